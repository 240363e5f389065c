package metaschema

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestOrderedJSONKeepsItsOrder(t *testing.T) {
	in := `{"z":1,"a":{"y":[1,{"c":null,"b":"<x>"}]},"m":1.50}`
	value, err := ParseOrdered([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	out, err := Encode(value)
	if err != nil || string(out) != in {
		t.Errorf("%s, %v", out, err)
	}
	if _, err := ParseOrdered([]byte(`{} {}`)); err == nil {
		t.Error("two values are one")
	}
	if _, err := ParseOrdered([]byte(strings.Repeat("[", 200) + strings.Repeat("]", 200))); err == nil {
		t.Error("200 levels are read")
	}
	if got := Unordered(value).(map[string]any)["m"]; got != json.Number("1.50") {
		t.Errorf("number %v", got)
	}
}
