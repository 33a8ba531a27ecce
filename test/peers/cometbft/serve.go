package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/proxy"
)

// serve runs a node until it is told to stop.
func serve(s settings) error {
	c, err := s.config()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	app, err := openApp(filepath.Join(c.DBDir(), "accounts"))
	if err != nil {
		return err
	}
	link, err := p2p.LoadNodeKey(c.NodeKeyFile())
	if err != nil {
		return errors.Join(err, app.close())
	}
	// The app has a lock of its own, so that a transfer is checked while a block
	// is executed.
	n, err := node.NewNode(ctx, c, privval.LoadFilePV(c.PrivValidatorKeyFile(), c.PrivValidatorStateFile()), link,
		proxy.NewConsensusSyncLocalClientCreator(app), node.DefaultGenesisDocProviderFunc(c), config.DefaultDBProvider,
		node.DefaultMetricsProvider(c.Instrumentation), log.NewFilter(log.NewTMLogger(log.NewSyncWriter(os.Stderr)), log.AllowError()))
	if err != nil {
		return errors.Join(err, app.close())
	}
	if err := n.Start(); err != nil {
		return errors.Join(err, app.close())
	}
	<-ctx.Done()
	err = n.Stop()
	n.Wait()
	return errors.Join(err, app.close())
}
