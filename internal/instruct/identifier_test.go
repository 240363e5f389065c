package instruct

import "testing"

func TestIdentifiersHaveTheirForm(t *testing.T) {
	const text = "Reg. 00041233, IBAN DE00 0000 0000 0010 2334 55, ISBN 978-0-00-000000-2, https://doi.example/10.0000/x.1, article 4006381333931, BIC WXLYXX2L"
	for _, c := range []struct{ name, schema, set, want string }{
		{"each as it is", ``, `{"iban":"DE00 0000 0000 0010 2334 55","isbn":"978-0-00-000000-2","doi":"https://doi.example/10.0000/x.1","ean":"4006381333931","bic":"WXLYXX2L"}`,
			`{"bic":"WXLYXX2L","doi":"https://doi.example/10.0000/x.1","ean":"4006381333931","iban":"DE00 0000 0000 0010 2334 55","isbn":"978-0-00-000000-2"}`},
		{"the number of something else", ``, `{"iban":"00041233","isbn":"00041233","doi":"00041233","supplier_ean":"DE00 0000 0000 0010 2334 55","bic":"00041233"}`, `{}`},
		{"named by a description", `{"properties":{"account":{"type":"string","description":"IBAN of the supplier"}}}`, `{"account":"00041233"}`, `{}`},
		{"or something else", `{"properties":{"account":{"type":"string","description":"IBAN or number of the account"}}}`, `{"account":"00041233"}`, `{"account":"00041233"}`},
		{"none", ``, `{"register":"00041233"}`, `{"register":"00041233"}`},
	} {
		if got := conformed(t, c.schema, text, "Find what is asked for.", c.set); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
	}
}

func TestAZeroThatStandsNowhereIsNoAnswer(t *testing.T) {
	const schema = `{"properties":{"absences":{"type":"number"}}}`
	for document, want := range map[string]string{
		"No. 000-0000, 5 years": `{}`, "Absences: 0": `{"absences":0}`, "Due: 0.00": `{"absences":0}`, "Absences: none": `{"absences":0}`, "Remarks: none": `{}`,
	} {
		if got := conformed(t, schema, document, "Find what is asked for.", `{"absences":0}`); got != want {
			t.Errorf("%s: %s, not %s", document, got, want)
		}
	}
}
