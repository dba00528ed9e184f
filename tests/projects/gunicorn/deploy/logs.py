accesslog = "-"
errorlog = "-"
