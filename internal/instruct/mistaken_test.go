package instruct

import "testing"

func TestMistakenValuesAreLeftOut(t *testing.T) {
	const letter = "Invoice no. 418-C of 3 May\nContact: Famille Imrie, imrie@example.org\nThe harbour engineer may inspect the quay and all that stands on it at any hour of any day, if he gives notice in writing.\nWitness: Dev Moss"
	for _, c := range []struct{ name, schema, set, want string }{
		{"a name is no telephone", ``, `{"telephone":"Famille Imrie","name":"Famille Imrie"}`, `{"name":"Famille Imrie"}`},
		{"nor is a mail address", ``, `{"customer_phone_number":"imrie@example.org"}`, `{}`},
		{"a name is no mail address", ``, `{"e_mail":"Famille Imrie","email_address":"imrie@example.org"}`, `{"email_address":"imrie@example.org"}`},
		{"a name is no number", ``, `{"invoice_number":"Famille Imrie","rechnungsnummer":"Dev Moss","number":"418-C"}`, `{"number":"418-C"}`},
		{"a brand of telephones", ``, `{"phone_brand":"Famille Imrie"}`, `{"phone_brand":"Famille Imrie"}`},
		{"the number of something else", ``, `{"invoice":"418-C","contract":"418-C"}`, `{"invoice":"418-C"}`},
		{"a word that both keys have", ``, `{"invoice_contact":"Dev Moss","witness_contact":"Dev Moss"}`, `{"witness_contact":"Dev Moss"}`},
		{"told by a description", `{"properties":{"a":{"type":"string","description":"who saw it, the witness"},"b":{"type":"string","description":"guarantor"}}}`,
			`{"a":"Dev Moss","b":"Dev Moss"}`, `{"a":"Dev Moss"}`},
		{"told by another form of the word", `{"properties":{"a":{"type":"string","description":"of invoices"},"b":{"type":"string","description":"guarantor"}}}`,
			`{"a":"418-C","b":"418-C"}`, `{"a":"418-C"}`},
		{"told by nothing", ``, `{"landlord":"Dev Moss","guarantor":"Dev Moss"}`, `{"guarantor":"Dev Moss","landlord":"Dev Moss"}`},
		{"told by both, and by the label", ``, `{"witness":"Dev Moss","notice":"Dev Moss"}`, `{"witness":"Dev Moss"}`},
		{"one number for two, told by nothing", ``, `{"fee":418,"pages":418}`, `{"fee":418,"pages":418}`},
		{"one number for two, told by a word", ``, `{"invoice_number":418,"guarantee":418}`, `{"invoice_number":418}`},
		{"one day for two", ``, `{"invoice_date":"2026-05-03","due":"2026-05-03"}`, `{"due":"2026-05-03","invoice_date":"2026-05-03"}`},
		{"what stands twice", ``, `{"invoice":"Imrie","contract":"Imrie"}`, `{"contract":"Imrie","invoice":"Imrie"}`},
	} {
		document := letter
		if c.name == "one day for two" {
			document = "Invoice date 2026-05-03"
		}
		if got := conformed(t, c.schema, document, "Find what is asked for.", c.set); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
	}
}
