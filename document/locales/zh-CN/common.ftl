common-of = { $n } / { $all }
