package files

import (
	"github.com/satchel-files/satchel"
)

// Defaults are what a workspace's settings say for uploads that leave it open, as a client gave them; nil stays as it is.
type Defaults struct {
	Instructions *string
	Schema       *string
	Expiry       *Expiry
	Never        bool // uploads do not expire by themselves
}

// Check finds everything that is wrong with the defaults, by the rules for uploads, and adds them to p. Where they stand in a body is the caller's
// to say: the error is a satchel.Faults that names them as if they came with an upload.
func (d Defaults) Check(p *satchel.SettingsPatch) error {
	var faults satchel.Faults
	if d.Instructions != nil {
		text, err := parseInstructions(*d.Instructions)
		faults.Add(err)
		p.Instructions = &text
	}
	if d.Schema != nil {
		faults.Add(checkSchema(*d.Schema))
		p.Schema = d.Schema
	}
	if d.Expiry != nil || d.Never {
		var e Expiry
		if d.Expiry != nil {
			e = *d.Expiry
		}
		lifetime, err := e.lifetime()
		faults.Add(err)
		p.Lifetime = &lifetime
	}
	return faults.Err()
}
