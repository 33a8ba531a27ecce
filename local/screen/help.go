package screen

import (
	"fmt"
	"net"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/local/watch"
	"github.com/posnet/posnet/node/types"
)

// reach says in three lines how to talk to the network.
func (m Model) reach() []string {
	console, metrics := "", ""
	for _, n := range m.snap.Nodes {
		if n.Console != "" {
			console = nc(n.Console)
		}
		if n.Metrics != "" {
			metrics = "http://" + n.Metrics + "/metrics"
		}
	}
	lines := []string{reachLine("client API", m.snap.Status.Endpoints.API)}
	if console != "" {
		lines = append(lines, reachLine("console", console))
	}
	if metrics != "" {
		lines = append(lines, reachLine("metrics", metrics))
	}
	return lines
}

func reachLine(what, how string) string { return "   " + quiet.Render(pad(what, 10)) + "  " + how }

// nc is the command that opens a console at host:port.
func nc(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "nc " + address
	}
	return "nc " + host + " " + port
}

// helpPage says at length what can be done with the network; what may be
// long, the list of nodes, comes last.
func (m Model) helpPage() []string {
	text := m.firstTransfer()
	text = append(text, "", "Chain, keys and logs are in "+m.about.Folder+": each validator has a folder there with its node.log.",
		"", "In the table a bar is the share of blocks won; "+mark.Render("┃")+" marks where it is expected to end by the stakes.", "")
	if m.snap != nil {
		for _, n := range m.snap.Nodes {
			text = append(text, strong.Render(n.Name)+"  "+strings.Join(addresses(n), "  "))
		}
	}
	lines := []string{m.title("how to reach it", ""), ""}
	for _, line := range text {
		for _, part := range strings.Split(ansi.Wrap(line, max(m.width-2, 1), " "), "\n") {
			lines = append(lines, " "+part)
		}
	}
	return lines
}

func addresses(n watch.Node) []string {
	list := []string{n.URL()}
	if n.Console != "" {
		list = append(list, nc(n.Console))
	}
	if n.Metrics != "" {
		list = append(list, "http://"+n.Metrics+"/metrics")
	}
	return list
}

// firstTransfer says how to put a first record into the pool.
func (m Model) firstTransfer() []string {
	if !m.about.Faucet {
		return []string{"The faucet is off: tokens move by signed transfers only."}
	}
	mint := "posnet mint " + m.about.Account + " 100"
	if m.snap != nil && m.snap.Status.Endpoints.API != client.DefaultURL {
		mint += " --url " + m.snap.Status.Endpoints.API
	}
	return []string{
		"A first transfer: tokens from the faucet. In another terminal, type",
		mint,
		"or open the client API with any websocket client and send",
		fmt.Sprintf(`{"op":"merge","args":{"pool":[{"sender":"%s","receiver":"%s","amount":100}]}}`, types.Genesis.String(), m.about.Account),
	}
}
