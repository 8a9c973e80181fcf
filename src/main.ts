#!/usr/bin/env node
// tsyringe reads decorator metadata, so this comes before everything that imports it.
import "reflect-metadata";
import {runCli} from "./app/cli/run.js";

process.exit(await runCli(process.argv.slice(2)));
