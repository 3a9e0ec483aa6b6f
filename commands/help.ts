/** The text of `--help`. */
export const helpText = `Usage: camera-service [command] [flags]

Commands
  serve          run the service (default); with --guide also print its addresses and a token;
                 --simulate FILE: with cameras and faults of this file (docs/simulation.md)
  token          print a new token for a client: --role viewer|operator|admin [--user ID] [--expires 1h]
                 [--cameras camera0,camera1*] [--id JTI]; or revoke a token: --revoke JTI
  keys create    print a new API key, only once: --role viewer|operator|admin [--user ID] [--expires 90d]
                 [--cameras camera0,camera1*]
  keys list      list the API keys
  keys rotate ID
                 replace an API key by a new one with the same rights
  keys revoke ID
                 revoke an API key
  audit verify   check that the audit log is complete and unchanged (exit status 1: it is not)
  explain SUBJECT
                 say why: camera0, recording camera0, mediamtx, storage or discovery [--json]
  history [camera0]
                 print the journal [--follow] [--actor NAME] [--since TIME] [--until TIME] [--limit 100] [--json]
  support-bundle write one file for a report of a fault, without secrets: [--output FILE, -o FILE]
  replay BUNDLE  replay the events of a support bundle and compare all states: [--until SEQ]
                 [--actor camera:camera0] [--force] [--make-test FILE] (exit status 1: they differ,
                 2: the bundle cannot be replayed)
  check-config   check the configuration and list its faults
  check-simulation FILE
                 check a file of serve --simulate and list its faults
  download-mediamtx
                 download the official MediaMTX for this CPU into the data directory (needs the internet)

Flags
  --config FILE     configuration file (YAML); default: CAMERA_SERVICE_CONFIG, if it is set
  --data-dir DIR    folder of recordings, snapshots, state and secrets
  --help, -h        print this text
  --version         print the version

token, keys, explain and history need the data directory of a service: select it with --config, --data-dir or the environment.
Every key of the configuration can also be set in the environment: server.port as CAMERA_SERVICE_SERVER_PORT.
Exit status: 0 success, 78 a fault of the configuration or the command line, 70 the service
crashed too often, 1 any other error.
`
