import {dirname} from "node:path";
import {startKeeper} from "../adapters/keeper/process.js";
import {readIdentity} from "../adapters/libp2p/identity.js";
import {createLibp2pOperatorServer} from "../adapters/operator-link/libp2p-operator-server.js";
