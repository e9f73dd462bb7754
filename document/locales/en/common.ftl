common-of = { $n } of { $all }
