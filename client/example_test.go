package client_test

import (
	"context"
	"fmt"
	"os"

	"github.com/regrant/regrant/client"
)

func ExampleClient() {
	c, err := client.New(client.Config{BaseURL: "https://regrant.example.com", Token: os.Getenv("REGRANT_TOKEN")})
	if err != nil {
		fmt.Println(err)
		return
	}
	all, err := c.Integrations(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, in := range all {
		if in.Status.Actor == "person" {
			fmt.Println(in.Name, "waits for somebody:", in.Status.Next)
		}
	}
}
