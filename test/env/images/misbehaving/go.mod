module veranda.dev/testenv/misbehaving

go 1.24
