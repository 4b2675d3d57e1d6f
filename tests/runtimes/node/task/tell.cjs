// The child of `child_process.fork` and `cluster.fork`: tells its parent the word that it was given.
process.send(process.argv[2], () => process.exit());
