package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/satchel-files/satchel/internal/daemon"
)

// version is the module's version as the go command stamped it: the tag, or one made of the commit; "devel" without either.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Example: "satchel version", Args: cobra.NoArgs,
		Run: func(*cobra.Command, []string) {
			p.printf("satchel %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

func (p *program) openAPICommand() *cobra.Command {
	return &cobra.Command{
		Use: "openapi", Short: "Print the OpenAPI document of the HTTP API", Args: cobra.NoArgs,
		Long:    "Print the OpenAPI 3.1 document of the HTTP API as YAML. No server is needed.",
		Example: "satchel openapi >openapi.yaml",
		RunE: func(*cobra.Command, []string) error {
			document, err := daemon.OpenAPI()
			if err != nil {
				return err
			}
			_, err = p.out.Write(document)
			return err
		},
	}
}
