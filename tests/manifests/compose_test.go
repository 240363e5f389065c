package manifests_test

import (
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// compose loads a file as docker compose does: by its schema, with variables filled in.
func compose(t *testing.T, path string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{path}, cli.WithName("satchel"),
		cli.WithEnv([]string{"POSTGRES_PASSWORD=secret", "S3_SECRET_KEY=secret", "SATCHEL_ROOT_TOKEN=0123456789abcdef0123456789abcdef"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestCompose(t *testing.T) {
	one := compose(t, "../../deploy/compose.yaml")
	if s := one.Services["satchel"]; !s.ReadOnly || s.Ports[0].HostIP != "127.0.0.1" || len(s.Volumes) != 1 {
		t.Errorf("the service is %+v", s)
	}
}

func TestComposeOfACluster(t *testing.T) {
	all := compose(t, "../../deploy/compose.cluster.yaml")
	for name, command := range map[string]string{"api-1": "serve", "api-2": "serve", "worker-1": "work", "worker-2": "work"} {
		s, found := all.Services[name]
		if !found || s.Command[0] != command || s.Environment["SATCHEL_DATABASE"] == nil || s.Environment["SATCHEL_BLOBS"] == nil {
			t.Errorf("%s is %+v", name, s)
		}
		for needed := range s.DependsOn {
			if _, found := all.Services[needed]; !found {
				t.Errorf("%s waits for %s", name, needed)
			}
		}
	}
	for name, s := range all.Services {
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s is open to everybody: %+v", name, port)
			}
		}
	}
}
