package instruct

import "testing"

func TestTimesOfDayAreFound(t *testing.T) {
	const text = "La séance est levée à 20 h 45. Beginn 19 Uhr, Ende 21.10 Uhr; lunch at 1.30 p.m., tea at 4pm, doors 09:15"
	for value, quote := range map[string]bool{
		"20:45": true, "20h45": true, "20:45:00Z": true, "19:00": true, "21:10": true, "13:30": true, "16:00": true, "09:15": true, "9:15": true,
		"20:44": false, "12:45": false, "20:45:30": false,
	} {
		if _, ok := Find(1, text, "time", value); ok != quote {
			t.Errorf("%s: %v", value, ok)
		}
	}
}
