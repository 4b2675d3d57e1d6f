process.env.TRACED_BY = "node-options";
