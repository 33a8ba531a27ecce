package config

import "bytes"

// File is a config file that may change while the node runs that started from
// it. It is for one goroutine at a time.
type File struct {
	path  string
	first *Config // what it said when it was opened
	data  []byte  // what was read last
	wrong string  // why it could not be read the last time; empty: it could
}

// Open reads and checks a config file, as Load does, and remembers what it says.
func Open(path string) (*File, error) {
	data, err := read(path, "config")
	if err != nil {
		return nil, err
	}
	c, err := parse(data, path)
	return &File{path: path, first: c, data: data}, err
}

// Config returns a copy of what the file said when it was opened.
func (f *File) Config() *Config {
	c := *f.first
	return &c
}

// Reread reads the file again. It returns what the file says now, or nil if it
// says what it said the last time. What is wrong with the file is told once, as
// the error.
func (f *File) Reread() (*Config, error) {
	data, err := read(f.path, "config")
	if err != nil {
		if err.Error() == f.wrong {
			return nil, nil
		}
		f.wrong = err.Error()
		return nil, err
	}
	f.wrong = ""
	if bytes.Equal(data, f.data) {
		return nil, nil
	}
	f.data = data
	return parse(data, f.path)
}

// Lasting lists the fields in which a config differs from what the file said
// when it was opened, and that a running node cannot take on: all but peers.
func (f *File) Lasting(c *Config) (fields []string) {
	was := f.first
	for _, one := range []struct {
		name    string
		differs bool
	}{
		{"name", c.Name != was.Name}, {"key", c.Key != was.Key}, {"dataDir", c.DataDir != was.DataDir}, {"listen", c.Listen != was.Listen},
		{"builder", c.Builder != was.Builder}, {"consensus", c.Consensus != was.Consensus},
		{"storage", c.Storage != was.Storage}, {"logLevel", c.LogLevel != was.LogLevel},
	} {
		if one.differs {
			fields = append(fields, one.name)
		}
	}
	return fields
}
