module veranda/starlark

go 1.24

require (
	go.starlark.net v0.0.0-20250417143717-f57e51f710eb
	gopkg.in/yaml.v2 v2.4.0
)

require golang.org/x/sys v0.0.0-20220715151400-c0bba94af5f8 // indirect
