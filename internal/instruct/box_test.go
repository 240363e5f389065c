package instruct

import "testing"

func TestTickedBoxesAreRead(t *testing.T) {
	const form = "Course:  [ ] swimming  [X] climbing\nDay:  ☐ Monday  ☒ Tuesday ☒ Friday\nPhotos allowed?  ( ) yes  (x) no\nTax number: (will follow)"
	const schema = `{"properties":{"course":{"enum":["swimming","climbing","dance"]},"day":{"enum":["Monday","Tuesday","Friday"]},"photos":{"type":"boolean"},"dogs":{"type":"boolean"},"tax":{"type":"string"}}}`
	for _, c := range []struct{ name, set, want string }{
		{"the box beside it is ticked", `{"course":"swimming"}`, `{"course":"climbing"}`},
		{"its own is", `{"course":"climbing"}`, `{"course":"climbing"}`},
		{"it has no box", `{"course":"dance"}`, `{"course":"dance"}`},
		{"two are ticked", `{"day":"Monday"}`, `{"day":"Monday"}`},
		{"no", `{"photos":true}`, `{"photos":false}`},
		{"not asked", `{"dogs":true}`, `{"dogs":true}`},
		{"a remark", `{"tax":"(will follow)"}`, `{}`},
	} {
		if got := conformed(t, schema, form, "Find what is asked for.", c.set); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
	}
}
