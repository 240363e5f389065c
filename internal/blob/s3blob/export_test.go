package s3blob

// SetPage has lists come in pages of so many entries.
func (s *Store) SetPage(entries int) { s.page = entries }
