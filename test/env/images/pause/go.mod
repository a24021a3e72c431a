module veranda.dev/testenv/pause

go 1.24
