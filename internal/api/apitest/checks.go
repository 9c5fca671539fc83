package apitest

import (
	"errors"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// checks is the checklist that the password asks for.
func checks(sub integration.Submission, r *integration.Record) []integration.Check {
	plain := sub.Secrets["password"].Reveal()
	if plain == "" && r.Integration.Finished() {
		plain = Password // what is sealed
	}
	reach := integration.Check{Step: connector.StepReach, State: integration.CheckPassed, Text: "The server answers."}
	if plain == "down" {
		return failed(nil, fault(connector.Outage, "shopdb.unreachable", "The server does not answer.", connector.StepReach, plain))
	}
	passed := []integration.Check{reach}
	switch plain {
	case Password:
	case "old":
		c := fault(connector.AccessChanged, "shopdb.no_select", "This role may not read public.orders.", connector.StepPrivileges, plain)
		c.Table, c.Scope = "public.orders", connector.OneTable
		if !sub.PauseUnreadable {
			return failed(passed, c)
		}
	case "expired":
		return failed(passed, fault(connector.Expired, "shopdb.password_expired", "The password has expired.", connector.StepSignIn, plain))
	case "slow":
		return failed(passed, fault(connector.Throttled, "shopdb.too_many", "Too many connections.", connector.StepSignIn, plain))
	case "ours":
		return failed(passed, fault(connector.Ours, "own.dns", "Our own name service fails.", connector.StepReach, plain))
	case "invalid":
		return failed(passed, fault(connector.Invalid, "shopdb.no_database", "There is no such database.", connector.StepSignIn, plain))
	default:
		return failed(passed, fault(connector.AccessChanged, "shopdb.login_refused", "The server refuses this user and password.", connector.StepSignIn, plain))
	}
	return append(passed,
		integration.Check{Step: connector.StepSignIn, State: integration.CheckPassed, Text: "Signed in as " + sub.Settings["user"] + "."},
		integration.Check{Step: connector.StepRead, Table: "public.orders", State: integration.CheckPassed, Text: "One row was read."})
}

// fault carries the secret in Err, as a careless driver would: it must never
// come out.
func fault(cause connector.Cause, code, public string, step connector.Step, secret string) *connector.Fault {
	return &connector.Fault{Cause: cause, Code: code, Public: public, Step: step, Err: errors.New("driver says: password " + secret)}
}

func failed(before []integration.Check, f *connector.Fault) []integration.Check {
	return append(before,
		integration.Check{Step: f.Step, Table: f.Table, State: integration.CheckFailed, Text: f.Public, Fault: f},
		integration.Check{Step: connector.StepRead, State: integration.CheckSkipped, Text: "Not tried."})
}
