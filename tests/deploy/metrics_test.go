package deploy_test

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/tests/program"
)

const (
	alertsFile    = "../../deploy/prometheus/alerts.yaml"
	dashboardFile = "../../deploy/grafana/satchel.json"
)

// TestAlerts has Prometheus read the rules, and apply them to days when nothing and when everything is wrong.
func TestAlerts(t *testing.T) {
	promtool(t, "check", "rules", alertsFile)
	promtool(t, "test", "rules", "testdata/alerts.yaml")
	rules, err := os.ReadFile(alertsFile)
	program.Must(t, err)
	tests, err := os.ReadFile("testdata/alerts.yaml")
	program.Must(t, err)
	runbook, err := os.ReadFile("../../docs/runbook.md")
	program.Must(t, err)
	for _, rule := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
		if strings.Count(string(tests), rule[1]) < 2 {
			t.Errorf("it is not tried whether %s comes, and stays away", rule[1])
		}
		if !strings.Contains(string(runbook), "\n## "+rule[1]+"\n") {
			t.Errorf("the runbook does not say what to do about %s", rule[1])
		}
	}
}

func promtool(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		path, err = filepath.Abs("../../.cache/prometheus/usr/bin/promtool")
		program.Must(t, err)
	}
	if out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v (is it there? scripts/setup brings it)\n%s", strings.Join(args, " "), err, out)
	}
}

// TestMetricsExist: what alerts and dashboard speak of is what a server says that has done some work.
func TestMetricsExist(t *testing.T) {
	exposed := scrape(t)
	rules, err := os.ReadFile(alertsFile)
	program.Must(t, err)
	asked := append(expressions(t), string(rules))
	for _, metric := range regexp.MustCompile(`\b(?:satchel|process)_\w+`).FindAllString(strings.Join(asked, "\n"), -1) {
		if !strings.Contains(exposed, "\n"+metric+" ") && !strings.Contains(exposed, "\n"+metric+"{") {
			t.Errorf("no server has %s", metric)
		}
	}
	for _, label := range regexp.MustCompile(`\b(\w+)="`).FindAllStringSubmatch(strings.Join(asked, "\n"), -1) {
		if name := label[1]; name != "job" && !strings.Contains(exposed, name+`="`) {
			t.Errorf("no metric has the label %s", name)
		}
	}
}

// expressions gives what the dashboard asks for, each of which Prometheus must understand.
func expressions(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	program.Must(t, err)
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	program.Must(t, json.Unmarshal(text, &board))
	rules := "groups:\n- name: dashboard\n  rules:\n"
	filled := strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*", "$route", ".*", "$job", "satchel")
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			all = append(all, target.Expr)
			quoted, err := json.Marshal(filled.Replace(target.Expr))
			program.Must(t, err)
			rules += "  - {record: \"a:b\", expr: " + string(quoted) + "}\n"
		}
	}
	if len(all) < 10 {
		t.Fatalf("the dashboard asks for %d things", len(all))
	}
	path := filepath.Join(t.TempDir(), "rules.yaml")
	program.Must(t, os.WriteFile(path, []byte(rules), 0o600))
	promtool(t, "check", "rules", "--lint=none", path)
	return all
}

// scrape gives the metrics of a server that has read a document.
func scrape(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	built := filepath.Join(folder, "satchel")
	program.Must(t, program.Build(t.Context(), built))
	server := program.Start(t, filepath.Join(folder, "data"), program.Settings{Program: built})
	c := client.New(server.URL, program.RootToken)
	made, err := c.Upload(t.Context(), client.Upload{Sources: []client.Source{{Name: "note.txt", Body: strings.NewReader("A note."), Size: 7}}})
	program.Must(t, err)
	processed(t, c, made[0].ID)
	var text []byte
	program.Within(t, "the metrics speak of the run and of a sweep", func() bool {
		answer, err := server.HTTP.Get(server.URL + "/metrics")
		program.Must(t, err)
		defer func() { _ = answer.Body.Close() }()
		text, err = io.ReadAll(answer.Body)
		program.Must(t, err)
		return strings.Contains(string(text), "satchel_runs_total{") && strings.Contains(string(text), "satchel_sweeps_total{")
	})
	return "\n" + string(text)
}
