// Package manifests_test reads the manifests of deploy/, strictly.
package manifests_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

const kubernetesFile = "../../deploy/kubernetes/satchel.yaml"

// cluster is what the manifest makes.
type cluster struct {
	configs     map[string]corev1.ConfigMap
	deployments map[string]appsv1.Deployment
	services    []corev1.Service
	budgets     []policyv1.PodDisruptionBudget
}

// load reads every document of the manifest into the type that it says it has; a field that the type does not have is an error.
func load(t *testing.T) *cluster {
	t.Helper()
	file, err := os.Open(kubernetesFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	c := &cluster{configs: map[string]corev1.ConfigMap{}, deployments: map[string]appsv1.Deployment{}}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(file))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return c
		}
		if err != nil {
			t.Fatal(err)
		}
		c.add(t, document)
	}
}

func (c *cluster) add(t *testing.T, document []byte) {
	t.Helper()
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		t.Fatal(err)
	}
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 ConfigMap":
		one := strictly[corev1.ConfigMap](t, document)
		c.configs[one.Name] = one
	case "apps/v1 Deployment":
		one := strictly[appsv1.Deployment](t, document)
		c.deployments[one.Name] = one
	case "v1 Service":
		c.services = append(c.services, strictly[corev1.Service](t, document))
	case "policy/v1 PodDisruptionBudget":
		c.budgets = append(c.budgets, strictly[policyv1.PodDisruptionBudget](t, document))
	default:
		t.Errorf("nobody knows %s %s", kind.APIVersion, kind.Kind)
	}
}

func strictly[T any](t *testing.T, document []byte) (one T) {
	t.Helper()
	if err := yaml.UnmarshalStrict(document, &one); err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	return one
}

func TestKubernetes(t *testing.T) {
	c := load(t)
	if len(c.deployments) != 2 || len(c.services) != 1 || len(c.budgets) != 2 {
		t.Fatalf("it makes %d deployments, %d services, %d budgets", len(c.deployments), len(c.services), len(c.budgets))
	}
	for name, d := range c.deployments {
		t.Run(name, func(t *testing.T) { c.checkDeployment(t, &d) })
	}
	for _, service := range c.services {
		c.selectsOne(t, "service "+service.Name, labels.SelectorFromSet(service.Spec.Selector))
	}
	for _, budget := range c.budgets {
		selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
		if err != nil {
			t.Fatal(err)
		}
		c.selectsOne(t, "budget "+budget.Name, selector)
	}
}

// selectsOne checks that a selector means the pods of one deployment.
func (c *cluster) selectsOne(t *testing.T, whose string, selector labels.Selector) {
	t.Helper()
	var found []string
	for name, d := range c.deployments {
		if selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			found = append(found, name)
		}
	}
	if len(found) != 1 || selector.Empty() {
		t.Errorf("%s selects the pods of %v", whose, found)
	}
}

func (c *cluster) checkDeployment(t *testing.T, d *appsv1.Deployment) {
	t.Helper()
	c.selectsOne(t, "the deployment", labels.SelectorFromSet(d.Spec.Selector.MatchLabels))
	pod := d.Spec.Template.Spec
	if pod.SecurityContext == nil || pod.SecurityContext.RunAsNonRoot == nil || !*pod.SecurityContext.RunAsNonRoot || *pod.SecurityContext.RunAsUser != 65532 {
		t.Errorf("its pods run as %v", pod.SecurityContext)
	}
	if pod.TerminationGracePeriodSeconds == nil || *pod.TerminationGracePeriodSeconds < 45 {
		t.Error("its pods are given too little time to end")
	}
	container := pod.Containers[0]
	for name, probe := range map[string]*corev1.Probe{"/health": container.LivenessProbe, "/ready": container.ReadinessProbe} {
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != name || probe.HTTPGet.Port.StrVal != container.Ports[0].Name {
			t.Errorf("the probe for %s is %v", name, probe)
		}
	}
	if container.Resources.Limits.Memory().IsZero() || container.Resources.Requests.Cpu().IsZero() {
		t.Error("it has no limit of memory, or asks for no CPU")
	}
	for _, from := range container.EnvFrom {
		if from.ConfigMapRef != nil && c.configs[from.ConfigMapRef.Name].Data == nil {
			t.Errorf("there is no ConfigMap %s", from.ConfigMapRef.Name)
		}
	}
	help := helpOf(t, container.Args[0])
	for _, flag := range container.Args[1:] {
		if strings.HasPrefix(flag, "--") && !strings.Contains(help, flag+" ") {
			t.Errorf("satchel %s has no %s", container.Args[0], flag)
		}
	}
}

// TestVariables: every variable that a manifest speaks of is one of Satchel's.
func TestVariables(t *testing.T) {
	known := helpOf(t, "serve") + helpOf(t, "work")
	for _, path := range []string{kubernetesFile, "../../deploy/compose.yaml", "../../deploy/compose.cluster.yaml", "../../deploy/systemd/satchel.service", "../../deploy/Dockerfile"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`SATCHEL_[A-Z0-9_]+`).FindAllString(string(text), -1) {
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(known) {
				t.Errorf("%s: Satchel has no %s", path, name)
			}
		}
	}
}

// helpOf is what a command of the program, as make build made it, says of itself.
func helpOf(t *testing.T, command string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "../../bin/satchel", command, "--help").Output()
	if err != nil || !bytes.Contains(out, []byte("satchel "+command)) {
		t.Fatalf("satchel %s --help: %v (make build makes it)\n%s", command, err, out)
	}
	return string(out)
}
