package cli

import "github.com/regrant/regrant/client"

type doctorCmd struct{}

// Run shows what the server finds when it looks at itself.
func (doctorCmd) Run(ctx *runContext, a *app) error {
	server, err := a.client(ctx, false)
	if err != nil {
		return err
	}
	found, err := server.Doctor(ctx)
	if err != nil {
		return err
	}
	status := exitDone
	for _, c := range found {
		if !c.OK {
			status = exitOurs
		}
	}
	if err := a.show(items(found), func() { a.doctor(found) }); err != nil {
		return err
	}
	return told(status)
}

func (a *app) doctor(found []client.DoctorCheck) {
	for _, c := range found {
		word := a.paint(green, "ok    ")
		if !c.OK {
			word = a.paint(red, "FAILED")
		}
		a.say("%s  %s: %s", word, printable(c.Name), printable(c.Text))
		if !c.OK && c.Remedy != "" {
			a.say("        %s", printable(c.Remedy))
		}
	}
}
