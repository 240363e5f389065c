package extract

func platformTricks() map[string]trick { return nil }
