package instruct

import "testing"

func TestValuesBehindTheLabelOfAnotherKeyAreLeftOut(t *testing.T) {
	const text = "LEASE\nLandlord: J. Siemen\nTenant: T. Kolb            Deposit:  € 480\nNet amount             4550.00\nRent from tenant: 2400\nT. Kolb lives in Hennay."
	for _, c := range []struct{ name, schema, document, set, want string }{
		{"behind a colon", `{"properties":{"landlord":{"type":"string"},"guarantor":{"type":"string"}}}`, text, `{"landlord":"J. Siemen","guarantor":"J. Siemen"}`, `{"landlord":"J. Siemen"}`},
		{"whether that key has it or not", `{"properties":{"landlord":{"type":"string"},"guarantor":{"type":"string"}}}`, text, `{"guarantor":"J. Siemen"}`, `{}`},
		{"told by a description", `{"properties":{"landlord":{"type":"string"},"owner":{"type":"string","description":"who is landlord"}}}`, text, `{"owner":"J. Siemen"}`, `{"owner":"J. Siemen"}`},
		{"a number", `{"properties":{"deposit":{"type":"number"},"fee":{"type":"number"}}}`, text, `{"fee":480}`, `{}`},
		{"behind a gap", `{"properties":{"net":{"type":"number"},"gross_amount":{"type":"number"},"amount_due":{"type":"number"}}}`, text, `{"gross_amount":4550,"net":4550}`, `{"gross_amount":4550,"net":4550}`},
		{"the label of no key", `{"properties":{"rent":{"type":"number"},"guarantor":{"type":"string"}}}`, text, `{"guarantor":"J. Siemen"}`, `{"guarantor":"J. Siemen"}`},
		{"it stands elsewhere, too", `{"properties":{"tenant":{"type":"string"},"neighbour":{"type":"string"}}}`, text, `{"neighbour":"T. Kolb"}`, `{"neighbour":"T. Kolb"}`},
		{"one of its own words", `{"properties":{"tenant":{"type":"string"},"rent":{"type":"number"}}}`, text, `{"rent":2400}`, `{"rent":2400}`},
		{"a word of another key's", `{"properties":{"position":{"type":"string"},"date_of_birth":{"type":"string"}}}`, "2020 to date   Surveyor", `{"position":"Surveyor"}`, `{"position":"Surveyor"}`},
		{"its own word behind it", `{"properties":{"present":{"type":"array"},"chair":{"type":"string"}}}`, "Present: Ann Lee (chair), Jo Wu", `{"chair":"Ann Lee"}`, `{"chair":"Ann Lee"}`},
		{"a form of its word", `{"properties":{"najemca":{"type":"string"},"wynajem":{"type":"string"}}}`, "Najemca: Koliba", `{"wynajem":"Koliba"}`, `{"wynajem":"Koliba"}`},
	} {
		if got := conformed(t, c.schema, c.document, "Find what is asked for.", c.set); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
	}
}

func TestACodeBehindAForeignLabelIsLeftOut(t *testing.T) {
	const schema = `{"properties":{"numero":{"type":"string","description":"número de la factura"},"fecha":{"type":"string"},"cliente":{"type":"string"},"pedido":{"type":"string","description":"número de pedido"}}}`
	for _, c := range []struct{ name, document, set, want string }{
		{"of something that is not asked for", "Factura: T/318  Fecha: hoy\nCliente: Rita\nAlbarán: 4.402/1", `{"numero":"T/318","pedido":"4.402/1"}`, `{"numero":"T/318"}`},
		{"its own", "Factura: T/318  Fecha: hoy\nCliente: Rita\nPedidos: 4.402/1", `{"pedido":"4.402/1"}`, `{"pedido":"4.402/1"}`},
		{"its own, shortened", "Fecha: hoy\nCliente: Rita\nPed (oficina): 4.402/1", `{"pedido":"4.402/1"}`, `{"pedido":"4.402/1"}`},
		{"an address that says what it is", "Fecha: hoy\nCliente: Rita\nEscribir: a22@example.org", `{"pedido":"a22@example.org"}`, `{"pedido":"a22@example.org"}`},
		{"without a label", "Fecha: hoy\nCliente: Rita\n4.402/1", `{"pedido":"4.402/1"}`, `{"pedido":"4.402/1"}`},
		{"a text in another language", "Invoice: T/318\nOrder number: 4.402/1", `{"pedido":"4.402/1"}`, `{"pedido":"4.402/1"}`},
	} {
		if got := conformed(t, schema, c.document, "Find what is asked for.", c.set); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
	}
}
