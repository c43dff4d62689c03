VIEWS: dict = {}
