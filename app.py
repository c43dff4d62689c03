"""The overview: the path of a prompt through the network as one picture."""


from gptviz.analysis.overview import likeliest_tokens
from gptviz.ui import controls, resources
from gptviz.ui.components.path_picture import path_picture
from gptviz.ui.frame import frame

view = frame("overview")
position = controls.position(view)
trace = view.trace
likeliest = likeliest_tokens(view.lm, trace, position)
journey = resources.journey(view.lm, view.ids, view.waiting)

path_picture(view, journey, likeliest, position, size="large", place="overview")
