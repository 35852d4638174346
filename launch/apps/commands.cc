#include "launch/apps/commands.h"

#include "common/error.h"
#include "common/text.h"
#include "launch/apps/flags.h"
#include "launch/apps/run_commands.h"
#include "worker/model/nn/product.h"

namespace zhiyin::launch::apps {

namespace {

const Command kCommands[] = {
    {"train",
     "mpirun -n 4 zhiyin train --config=JOB.textproto --servers=2 [--output=DIR]",
     "train, evaluate on the test split, save under --output",
     {"config", "servers", "threads", "products", "simulate", "network", "output", "overwrite",
      "resume", "died_at", "life_file", "seed", "timeout_s", "profile", "progress"},
     Train},
    {"evaluate",
     "mpirun -n 2 zhiyin evaluate --checkpoint=DIR",
     "the metrics of a saved model again, with any number of ranks",
     {"checkpoint", "servers", "threads", "products", "simulate", "network", "output", "overwrite",
      "timeout_s", "progress"},
     Evaluate},
    {"predict",
     "mpirun -n 2 zhiyin predict --checkpoint=DIR --output=FILE.tsv [--set data.test.file=ROWS]",
     "a saved model's predictions for the examples of data.test, a line each",
     {"checkpoint", "servers", "threads", "products", "simulate", "network", "output", "overwrite",
      "timeout_s"},
     Predict},
    {"doctor",
     "mpirun -n 4 zhiyin doctor [--config=JOB.textproto] [--servers=2] [--output=DIR]",
     "look at the hosts before a job runs there: what is wrong, and how to mend it; exit code 1 "
     "if anything is. Without mpirun: this host, and with --ranks whether there are slots for so "
     "many",
     {"config", "servers", "output", "timeout_s", "ranks", "hostfile"},
     Examine},
    {"check",
     "zhiyin check --config=JOB.textproto [--output=FILE.html] [--strict]",
     "look at a job's data before it is trained on: what columns and labels hold, what tells the "
     "label by itself, what differs between the splits (docs/checking.md)",
     {"config", "format", "output", "overwrite", "strict"},
     RunCheck},
    {"generate",
     "zhiyin generate --config=JOB.textproto --output=FILE.tsv [--format=tsv]",
     "write the examples of a job's generated data; or a shop or a search engine with its users, "
     "items and events (zhiyin generate shop|search --output=DIR, configs/world.proto). A file "
     "whose name ends in .gz, .zst, .lz4, .bz2 or .xz is compressed (docs/formats.md)",
     {"config", "format", "output", "overwrite", "seed"},
     Generate},
    {"compare",
     "zhiyin compare --config=JOB.textproto,OTHER.textproto --seeds=1,2,3 [--markdown]",
     "train several jobs, each with several seeds, simulated; one table of their test metrics",
     {"config", "seeds", "products", "simulate", "markdown", "output", "overwrite", "timeout_s"},
     RunCompare},
    {"supervise",
     "zhiyin supervise -- mpirun -n 4 zhiyin train --config=JOB.textproto --output=DIR",
     "run a job, and start it again from its newest checkpoint when it dies (docs/operations.md)",
     {"restarts", "backoff_s", "start_s", "silence_s", "grace_s"},
     RunSupervise},
    {"inspect",
     "zhiyin inspect --checkpoint=DIR [--row=FIELD=VALUE] [--against=DIR]",
     "what is in a saved model or in checkpoints, whether they are whole, one row, how two "
     "differ",
     {"checkpoint", "row", "against"},
     RunInspect},
    {"recommend",
     "zhiyin recommend --checkpoint=DIR [--users=FILE] [--k=10] [--measure]",
     "the best items for users of a job with data.behaviour (docs/recommending.md)",
     {"checkpoint", "ranker", "products", "users", "items", "k", "candidates", "index",
      "search_width", "min_recall", "formula", "format", "relevance", "seen", "measure", "output",
      "overwrite"},
     Recommend},
    {"report",
     "zhiyin report --checkpoint=DIR --output=FILE.html [--slices=FIELD,FIELD]",
     "the metrics, curves, slices and importance of inputs of a model on data.test, as one HTML "
     "file",
     {"checkpoint", "products", "output", "overwrite", "slices", "importance", "k"},
     Report},
    {"serve",
     "zhiyin serve --checkpoint=DIR [--listen=127.0.0.1:8080]",
     "answer requests for predictions and recommendations over HTTP (docs/serving.md)",
     {"checkpoint", "ranker", "products", "listen", "token_file", "reload_s", "connections",
      "request_s", "k", "candidates", "index", "search_width", "min_recall", "formula", "relevance",
      "seen"},
     RunServe},
    {"export",
     "zhiyin export --checkpoint=DIR --output=DIR [--since=DIR]",
     "vectors by id, and the model for other programs to run: .npz, ONNX (docs/exporting.md)",
     {"checkpoint", "output", "overwrite", "format", "onnx", "since"},
     Export},
};

/// Chooses what multiplies matrices, for all threads.
void SetProducts() {
  using worker::model::nn::Backend;
  const std::string& name = FLAGS_products;
  if (name == "auto") return;
  if (name != "onednn" && name != "eigen")
    Fail("--products=", name, ": expected auto, onednn or eigen");
  const Backend backend = name == "eigen" ? Backend::kEigen : Backend::kOneDnn;
  if (!worker::model::nn::HasBackend(backend))
    Fail("--products=", name,
         ": this program was built without oneDNN, or this processor has no AVX-512, expected auto "
         "or "
         "eigen");
  worker::model::nn::SetBackend(backend);
}

}  // namespace

std::span<const Command> Commands() {
  return kCommands;
}

int RunCommand(const CommandLine& line) {
  std::vector<std::string> names;
  for (const Command& command : Commands()) {
    names.emplace_back(command.name);
    if (line.command != command.name) continue;
    if (!line.operand.empty() && line.command != "generate")
      Fail(line.operand, ": expected one command and flags, see zhiyin --help");
    if (!line.rest.empty() && line.command != "supervise")
      Fail("-- ", line.rest[0], ": only supervise takes a command behind --");
    CheckUses(line.command, command.flags);
    SetProducts();
    return command.run(line);
  }
  std::string expected;
  for (size_t i = 0; i < names.size(); ++i)
    expected += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  Fail(line.command.empty() ? "no command" : line.command + ": no such command", ": expected ",
       expected, ", see zhiyin --help");
}

}  // namespace zhiyin::launch::apps
