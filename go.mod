module github.com/satchel-files/satchel

go 1.26.0
