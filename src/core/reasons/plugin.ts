import type {Reason} from "./reason.js";

export const pluginReasons = {
  PLUGIN_NAME: {
    fault: "configuration",
    meaning: "A plugin's name is not in kebab-case.",
    action: "Use lower-case letters, digits and single dashes, at most 40 characters, as the key under `plugins:`.",
  },
  PLUGIN_DUPLICATE: {
    fault: "configuration",
    meaning: "Two plugins have the same name.",
    action: "Keep one of them under `plugins:`.",
  },
  PLUGIN_NOT_FOUND: {
    fault: "configuration",
    meaning: "A plugin's module cannot be found.",
    action:
      "Give a path relative to lodestar.config.yaml that starts with ./ or ../, or install the package beside that file; leave `module` out only for a built-in plugin.",
  },
  PLUGIN_LOAD_FAILED: {
    fault: "configuration",
    meaning: "A plugin's module threw while it was loaded.",
    action: "Import the module with plain node to see the whole error, and repair it.",
  },
  PLUGIN_SHAPE: {
    fault: "configuration",
    meaning: "A module does not export a plugin.",
    action: "Export an object with name, apiVersion, configSchema and register as default (docs/plugins.md).",
  },
  PLUGIN_API_VERSION: {
    fault: "configuration",
    meaning: "A plugin was written for another version of the plugin interface.",
    action: "Install a version of the plugin made for this interface version.",
  },
  PLUGIN_NAME_MISMATCH: {
    fault: "configuration",
    meaning: "A plugin calls itself otherwise than its key in the configuration.",
    action: "Use the plugin's own name as the key under `plugins:`.",
  },
  PLUGIN_DEPENDENCY_MISSING: {
    fault: "configuration",
    meaning: "A plugin depends on another one that is not configured.",
    action: "Add the missing plugin under `plugins:`.",
  },
  PLUGIN_DEPENDENCY_CYCLE: {
    fault: "configuration",
    meaning: "Plugins depend on each other in a circle.",
    action: "Remove one of the plugins named, or ask its author to drop the dependency.",
  },
  PLUGIN_CONFIG: {
    fault: "configuration",
    meaning: "A plugin's configuration does not fit its schema.",
    action: "Correct the field named, under `plugins:` in lodestar.config.yaml.",
  },
  PLUGIN_CONFIG_UNKNOWN_KEY: {
    fault: "configuration",
    meaning: "A plugin's configuration has a key that the plugin does not know.",
    action: "Remove the key or correct its spelling.",
  },
  PLUGIN_REGISTER_FAILED: {
    fault: "configuration",
    meaning: "A plugin failed to register.",
    action: "Read the cause in the log; remove the plugin or update it.",
  },
  PLUGIN_CONTRIBUTION: {
    fault: "configuration",
    meaning: "A plugin contributes something that is not a valid command, committee source, veto, observer or route.",
    action: "Correct the plugin as docs/plugins.md describes.",
  },
  PLUGIN_COLLISION: {
    fault: "configuration",
    meaning: "Two parts claim the same command or route.",
    action: "Remove one of the plugins, or rename its command or route.",
  },
  PLUGIN_START_FAILED: {
    fault: "configuration",
    meaning: "A plugin failed to start; the ones already started were stopped.",
    action: "Read the cause in the log; remove the plugin or repair what it needs.",
  },
  PLUGIN_START_TIMEOUT: {
    fault: "configuration",
    meaning: "A plugin took too long to start; the ones already started were stopped.",
    action: "Check what the plugin waits for; a plugin must do long work after its start.",
  },
  PLUGIN_STOP_FAILED: {
    fault: "configuration",
    meaning: "A plugin failed to stop, or took too long; the others were stopped all the same.",
    action: "Tell the plugin's author; the process ends anyway.",
  },
  PLUGIN_SERVICE_MISSING: {
    fault: "configuration",
    meaning: "A plugin asked for the service of one that it does not depend on, or that offers none.",
    action: "Name it in the plugin's dependsOn, or use a release of it that offers a service.",
  },
  PLUGIN_VETO: {
    fault: "nobody",
    meaning: "A plugin of this node forbids this request.",
    action: "Read the plugin's message; change the plugin's configuration if the request should be signed.",
  },
  PLUGIN_VETO_FAILED: {
    fault: "configuration",
    meaning: "A plugin's veto threw or gave no proper answer, which counts as a refusal.",
    action: "Remove or repair the plugin: it refuses requests until then.",
  },
  PLUGIN_OBSERVER_FAILED: {
    fault: "configuration",
    meaning: "A plugin's observer threw; requests are not affected. Logged once per observer.",
    action: "Tell the plugin's author; what the plugin reports may be incomplete.",
  },
  PLUGIN_ROUTE_FAILED: {
    fault: "configuration",
    meaning: "A plugin's HTTP route threw, took too long or gave no proper response.",
    action: "Read the cause in the log; signing is not affected.",
  },
  PLUGIN_COMMAND_FAILED: {
    fault: "configuration",
    meaning: "A plugin's command failed.",
    action: "Read the cause; it comes from the plugin.",
  },
  PLUGIN_SOURCE_FAILED: {
    fault: "configuration",
    meaning: "A plugin's committee source threw, took too long or gave something that is not text.",
    action: "Read the cause in the log; committees from other sources are not affected.",
  },
} as const satisfies Record<string, Reason>;
