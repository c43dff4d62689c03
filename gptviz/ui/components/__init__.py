"""Small pieces of JavaScript that draw what a chart library cannot draw quickly or at all."""
