// Commands that take a saved model: inspect, recommend, report, serve, export.
#include "common/error.h"
#include "launch/apps/console.h"
#include "launch/apps/export/export.h"
#include "launch/apps/flags.h"
#include "launch/apps/inspect/inspect.h"
#include "launch/apps/recommend/recommend.h"
#include "launch/apps/report/report.h"
#include "launch/apps/run_commands.h"
#include "launch/apps/serve/serve.h"

namespace zhiyin::launch::apps {
namespace {

void CheckListFlags() {
  if (FLAGS_k < 1) Fail("--k=", FLAGS_k, ": expected at least 1");
  if (FLAGS_candidates < 1) Fail("--candidates=", FLAGS_candidates, ": expected at least 1");
  if (FLAGS_index != "scan" && FLAGS_index != "hnsw")
    Fail("--index=", FLAGS_index, ": expected scan or hnsw");
  if (FLAGS_index == "scan") CheckUnset("--index=scan", {"search_width", "min_recall"});
  if (FLAGS_search_width < 1) Fail("--search_width=", FLAGS_search_width, ": expected at least 1");
  if (!(FLAGS_min_recall >= 0 && FLAGS_min_recall <= 1))
    Fail("--min_recall=", FLAGS_min_recall, ": expected 0 to 1");
  if (!(FLAGS_relevance >= 0 && FLAGS_relevance <= 1))
    Fail("--relevance=", FLAGS_relevance, ": expected 0 to 1");
}

worker::recommend::RecommendOptions ListOptions() {
  worker::recommend::RecommendOptions options;
  options.k = FLAGS_k;
  options.n_candidates = FLAGS_candidates;
  options.formula = FLAGS_formula;
  options.exclude_seen = !FLAGS_seen;
  options.approximate = FLAGS_index == "hnsw";
  options.hnsw.search_width = FLAGS_search_width;
  options.min_recall = FLAGS_min_recall;
  options.diversity_lambda = FLAGS_relevance;
  return options;
}

}  // namespace

int RunInspect(const CommandLine& line) {
  CheckStartedAlone("inspect");
  if (FLAGS_checkpoint.empty())
    Fail("inspect: --checkpoint is missing: expected the folder of a model, or an output folder");
  if (!line.overrides.empty()) Fail("--set ", line.overrides[0], ": means nothing to inspect");
  return Inspect({FLAGS_checkpoint, FLAGS_row, FLAGS_against, Print});
}

int Recommend(const CommandLine& line) {
  CheckStartedAlone("recommend");
  if (FLAGS_measure) CheckUnset("recommend --measure", {"users", "format"});
  if (FLAGS_checkpoint.empty())
    Fail("recommend: --checkpoint is missing: expected a model's folder");
  CheckListFlags();
  if (FLAGS_format != "tsv" && FLAGS_format != "jsonl" && FLAGS_format != "text")
    Fail("--format=", FLAGS_format, ": expected tsv, jsonl or text");
  if (FLAGS_index == "hnsw" && FLAGS_items != "all")
    Fail("--index=hnsw: looks among all items, expected scan with --items");
  RecommendCommand command;
  command.checkpoint = FLAGS_checkpoint;
  command.ranker = FLAGS_ranker;
  command.overrides = line.overrides;
  command.users = FLAGS_users;
  command.items = FLAGS_items;
  command.format = FLAGS_format;
  command.output = FLAGS_output;
  command.overwrite = FLAGS_overwrite;
  command.measure = FLAGS_measure;
  command.options = ListOptions();
  command.print = Print;
  command.note = PrintNote;
  RunRecommend(command);
  return 0;
}

int Report(const CommandLine& line) {
  CheckStartedAlone("report");
  if (FLAGS_checkpoint.empty()) Fail("report: --checkpoint is missing: expected a model's folder");
  if (FLAGS_output.empty()) Fail("report: --output is missing: expected the file to write");
  if (FLAGS_k < 1) Fail("--k=", FLAGS_k, ": expected at least 1");
  RunReport({FLAGS_checkpoint, line.overrides, FLAGS_output, FLAGS_overwrite,
             SplitAtCommas(FLAGS_slices), FLAGS_importance, FLAGS_k, Print});
  return 0;
}

int RunServe(const CommandLine& line) {
  CheckStartedAlone("serve");
  if (FLAGS_checkpoint.empty())
    Fail("serve: --checkpoint is missing: expected a model's folder, or an output folder");
  if (!line.overrides.empty())
    Fail("--set ", line.overrides[0],
         ": means nothing to serve: it takes the model as it was trained");
  CheckListFlags();
  if (!(FLAGS_reload_s >= 0)) Fail("--reload_s=", FLAGS_reload_s, ": expected 0 or more");
  if (FLAGS_connections < 1) Fail("--connections=", FLAGS_connections, ": expected at least 1");
  if (!(FLAGS_request_s > 0 && FLAGS_request_s <= 3600))
    Fail("--request_s=", FLAGS_request_s, ": expected more than 0, at most 3600");
  return Serve({FLAGS_checkpoint, FLAGS_ranker, FLAGS_listen, FLAGS_token_file, FLAGS_reload_s,
                FLAGS_connections, FLAGS_request_s, ListOptions(), Print, PrintError});
}

int Export(const CommandLine& line) {
  CheckStartedAlone("export");
  if (FLAGS_checkpoint.empty()) Fail("export: --checkpoint is missing: expected a model's folder");
  if (FLAGS_output.empty()) Fail("export: --output is missing: expected the folder to write to");
  const std::string format = IsSet("format") ? FLAGS_format : "npz";
  if (format != "npz" && format != "tsv") Fail("--format=", format, ": expected npz or tsv");
  RunExport({FLAGS_checkpoint, line.overrides, FLAGS_output, FLAGS_overwrite, format, FLAGS_onnx,
             FLAGS_since, Print});
  return 0;
}

}  // namespace zhiyin::launch::apps
