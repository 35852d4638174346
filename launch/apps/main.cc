// zhiyin COMMAND --flags: reads the command line, runs the job, turns every failure into one line
// and an exit code.
#include <gflags/gflags.h>
#include <glog/logging.h>
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "common/error.h"
#include "launch/apps/command_line.h"
#include "launch/apps/compare/compare.h"
#include "launch/apps/doctor/doctor.h"
#include "launch/apps/export/export.h"
#include "launch/apps/generate/generate.h"
#include "launch/apps/inspect/inspect.h"
#include "launch/apps/recommend/recommend.h"
#include "launch/apps/report/report.h"
#include "launch/apps/serve/serve.h"
#include "launch/apps/supervise/supervise.h"
#include "launch/apps/terminal.h"
#include "launch/job/load_job.h"
#include "launch/rank/launcher.h"
#include "launch/rank/output_folder.h"
#include "launch/rank/run.h"
#include "worker/data/generated/columns.h"
#include "worker/data/generated/world.h"

DEFINE_string(config, "", "The job: a file as described in configs/job.proto");
DEFINE_string(seeds, "1", "compare: train with each of them, separated by commas");
DEFINE_bool(markdown, false, "compare: the table as Markdown");
DEFINE_string(checkpoint, "", "A saved model: its folder, or the output folder that holds it");
DEFINE_int32(servers, 1, "Ranks that hold tables; all others work");
DEFINE_int32(threads, 1, "Of a worker, for its matrix products");
DEFINE_string(simulate, "",
              "SERVERSxWORKERS, for example 2x3: run all ranks in this process, without MPI");
DEFINE_string(network, "", "With --simulate: delays and faults, as in common/net/sim_options.h");
DEFINE_string(output, "",
              "Folder for the model, metrics.jsonl and summary.json; the same on all hosts");
DEFINE_bool(resume, false, "Go on from the newest checkpoint of the output folder");
DEFINE_double(died_at, 0,
              "train: when the run before this one died, in seconds since 1970; supervise says so");
DEFINE_string(row, "", "inspect: FIELD=VALUE, or TABLE:KEY with the key in hexadecimal");
DEFINE_string(against, "", "inspect: another model or checkpoint");
DEFINE_int32(restarts, 3, "supervise: in a row without a new checkpoint");
DEFINE_double(backoff_s, 1, "supervise: before the first of them; twice as long before each other");
DEFINE_double(grace_s, 60, "supervise: for a job that is told to end");
DEFINE_bool(overwrite, false, "The output folder may hold an earlier run");
DEFINE_string(seed, "", "Short for --set train.seed=N");
DEFINE_double(timeout_s, 120, "Longest silence that a waiting rank accepts, in seconds");
DEFINE_int32(ranks, 0, "doctor: ranks that the job is to have");
DEFINE_string(hostfile, "", "doctor: the hosts, as mpirun's --hostfile");
DEFINE_string(ranker, "",
              "recommend, serve: another saved model, whose predictions the formula takes");
DEFINE_string(users, "all", "recommend: all, or a file with a user a line");
DEFINE_string(items, "all", "recommend: all, or a file with an item a line: only these");
DEFINE_string(index, "scan",
              "recommend, serve: how two towers retrieve, scan (exact) or hnsw (approximate)");
DEFINE_int32(search_width, 200,
             "recommend, serve: items that hnsw looks at for a list; more find more of the best");
DEFINE_int32(k, 10, "recommend: items of a list");
DEFINE_int32(candidates, 200, "recommend: items that two towers retrieve for the formula to rank");
DEFINE_string(formula, "", "recommend: what items are ranked by, of the tasks' predictions");
DEFINE_string(format, "tsv", "recommend: tsv, jsonl or text (for a person); export: npz or tsv");
DEFINE_double(relevance, 1,
              "recommend: weight of the score against likeness to other items of the list, 0 to 1");
DEFINE_bool(seen, false, "recommend: items that the user has an event with may be in the list");
DEFINE_bool(measure, false,
            "recommend: the metrics of lists for held-out events, and of baselines");
DEFINE_string(slices, "",
              "report: fields whose values are looked at one by one, separated by commas");
DEFINE_bool(importance, true,
            "report: what is lost when an input's values are exchanged among rows");
DEFINE_bool(onnx, true, "export: model.onnx, too");
DEFINE_string(since, "", "export: the folder of an earlier export: only what changed since then");
DEFINE_string(listen, "127.0.0.1:8080", "serve: HOST:PORT; port 0: any that is free");
DEFINE_string(token_file, "", "serve: a file with the word that clients must name");
DEFINE_double(reload_s, 1, "serve: from one look for a newer model to the next; 0: never");
DEFINE_bool(profile, false, "train: say what workers and servers spent their time on");
DEFINE_string(progress, "auto", "auto, line (for a terminal), log (for a file) or none");

namespace zhiyin::launch::apps {
namespace {

constexpr const char* kUsage =
    R"(zhiyin trains multi-task recommendation models on a cluster with nothing but mpirun.

  mpirun -n 4 zhiyin train --config=JOB.textproto --servers=2 [--output=DIR]
  zhiyin train --config=JOB.textproto --simulate=2x2
  mpirun -n 2 zhiyin evaluate --checkpoint=DIR
  mpirun -n 4 zhiyin doctor [--config=JOB.textproto] [--servers=2] [--output=DIR]
  mpirun -n 2 zhiyin predict --checkpoint=DIR --output=FILE.tsv [--set data.test.file=ROWS]
  zhiyin generate --config=JOB.textproto --output=FILE.tsv
  zhiyin generate shop|search --output=DIR [--set n_users=5000]
  zhiyin compare --config=JOB.textproto,OTHER.textproto --seeds=1,2,3 [--markdown]
  zhiyin supervise -- mpirun -n 4 zhiyin train --config=JOB.textproto --output=DIR
  zhiyin inspect --checkpoint=DIR [--row=FIELD=VALUE] [--against=DIR]
  zhiyin recommend --checkpoint=DIR [--users=FILE] [--k=10] [--measure]
  zhiyin export --checkpoint=DIR --output=DIR [--since=DIR]
  zhiyin report --checkpoint=DIR --output=FILE.html [--slices=FIELD,FIELD]
  zhiyin serve --checkpoint=DIR [--listen=127.0.0.1:8080]

commands
  train      train, evaluate on the test split, save under --output
  evaluate   the metrics of a saved model again, with any number of ranks
  doctor     look at the hosts before a job runs there: what is wrong, and how to mend it; exit code 1 if
             anything is. Without mpirun: this host, and with --ranks whether there are slots for so many
  predict    a saved model's predictions for the rows of data.test, a line a row
  generate   write the rows of a job's generated data as tab-separated text; or a shop or a search engine with its users,
             items and events, to try recommending in (configs/world.proto)
  compare    train several jobs, each with several seeds, simulated; one table of their test metrics
  supervise  run a job, and start it again from its newest checkpoint when it dies (docs/operations.md)
  inspect    what is in a saved model or in checkpoints, whether they are whole, one row, how two differ
  recommend  the best items for users of a job with data.behaviour (docs/recommending.md)
  export     vectors by id, and the model for other programs to run: .npz, ONNX (docs/exporting.md)
  report     the metrics, curves, slices and importance of inputs of a model on data.test, as one HTML file
  serve      answer requests for predictions and recommendations over HTTP (docs/serving.md)

flags
  --config=FILE         the job, as described in configs/job.proto; compare: several, separated by commas
  --checkpoint=DIR      evaluate, predict: the model's folder, or the output folder that holds it
  --servers=N           ranks that hold tables; all others work (default 1)
  --threads=N           threads of a worker for its matrix products; changes no bit of the result (default 1)
  --simulate=SxW        S servers and W workers in this process, without MPI; compare: of each job (default 1x1)
  --network=OPTIONS     what the simulated network does: delays, slow ranks, crashes (docs/simulation.md)
  --output=DIR          results go there; predict, generate: the file
  --resume              go on from the newest checkpoint in the output folder; without one the job begins
  --overwrite           the output folder may hold an earlier run; predict, generate: the file may exist
  --set PATH=VALUE      override a field of the job; may be repeated
  --seed=N              short for --set train.seed=N
  --seeds=N,N           compare: train with each of them (default 1)
  --markdown            compare: the table as Markdown
  --timeout_s=S         longest silence that a waiting rank accepts (default 120); doctor: longest step (default 30)
  --ranks=N             doctor: ranks that the job is to have (default: as many as are here)
  --hostfile=FILE       doctor: the hosts, as for mpirun's --hostfile
  --profile             train: say at the end what workers and servers spent their time on
  --progress=HOW        auto, line, log or none

flags of supervise
  --restarts=N          in a row without a new checkpoint (default 3)
  --backoff_s=S         wait before the first of them; twice as long before each other (default 1)
  --grace_s=S           time to end with a checkpoint, at SIGTERM, SIGINT or SIGUSR1 (default 60)

flags of inspect
  --row=FIELD=VALUE     the row of this value; or TABLE:KEY, the key in hexadecimal
  --against=DIR         another model or checkpoint: what has changed there

flags of recommend
  --users=FILE          a user a line (default: all, everybody in the training files)
  --items=FILE          an item a line: only these are recommended (default: all)
  --k=K                 items of a list (default 10)
  --formula=TEXT        what items are ranked by, of the tasks' names: "ctr * cvr^0.5"
  --ranker=DIR          another model, whose tasks the formula takes
  --candidates=N        items that two towers retrieve for the formula to rank (default 200)
  --index=HOW           scan: two towers look at every item (default); hnsw: at some, much sooner, and miss a few
  --search_width=N      with hnsw: items that are looked at for a list (default 200)
  --relevance=W         weight of the score against likeness to items before it, 0 to 1 (default 1)
  --seen                items that the user has an event with may be in the list
  --format=F            tsv, jsonl or text, which is for a person
  --measure             instead of lists their metrics on held-out events, and those of baselines

flags of report
  --slices=FIELD,FIELD  rows by their values of these fields (default: fields with few values)
  --noimportance        without the importance of inputs, which scores the rows three times an input
  --k=K                 items of a list, of jobs that hold events out (default 10)

flags of export
  --format=F            npz (default) or tsv
  --noonnx              without model.onnx
  --since=DIR           an earlier export: vectors that changed since then, and ids that are gone

flags of serve, beside --k (the longest list), --ranker, --formula, --candidates, --index, --search_width, --relevance, --seen
  --listen=HOST:PORT    where it listens (default 127.0.0.1:8080); port 0: any that is free
  --token_file=FILE     clients must send the word in it: Authorization: Bearer WORD
  --reload_s=S          how often to look for a newer model or checkpoint (default 1); 0: never
)";

void PrintError(const std::string& line) {
  std::fprintf(stderr, "zhiyin: error: %s\n", line.c_str());
}

void Print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

/// Without MPI there is one process: mpirun would run the whole job once for every rank, all into
/// one folder.
void CheckStartedAlone(const std::string& what) {
  if (zhiyin::launch::rank::LaunchedRanks() > 1)
    Fail(what, " runs in one process, ", rank::LaunchedRanks(),
         " were started: run it without mpirun");
}

worker::train::ProgressStyle StyleFor(const std::string& name, bool under_mpirun) {
  if (name == "auto")
    return OutputIsWatched(under_mpirun) ? worker::train::ProgressStyle::kLine
                                         : worker::train::ProgressStyle::kLog;
  if (name == "line") return worker::train::ProgressStyle::kLine;
  if (name == "log") return worker::train::ProgressStyle::kLog;
  if (name == "none") return worker::train::ProgressStyle::kNone;
  Fail("--progress=", name, ": expected auto, line, log or none");
}

/// "2x3" to two numbers.
std::pair<int, int> ParseSimulate(const std::string& text) {
  int n_servers = 0;
  int n_workers = 0;
  int n_read = 0;
  if (std::sscanf(text.c_str(), "%dx%d%n", &n_servers, &n_workers, &n_read) != 2 ||
      n_read != static_cast<int>(text.size()) || n_servers < 1 || n_workers < 1 ||
      n_servers + n_workers > 1024) {
    Fail("--simulate=", text, ": expected SERVERSxWORKERS, for example 2x3, at most 1024 in all");
  }
  return {n_servers, n_workers};
}

/// The flags defined above, not those of libraries.
std::vector<std::string> OwnFlags() {
  std::vector<gflags::CommandLineFlagInfo> all;
  gflags::GetAllFlags(&all);
  std::vector<std::string> own;
  for (const gflags::CommandLineFlagInfo& info : all) {
    if (std::string_view(info.filename).ends_with("launch/apps/main.cc")) own.push_back(info.name);
  }
  return own;
}

bool IsSet(const std::string& flag) {
  return !gflags::GetCommandLineFlagInfoOrDie(flag.c_str()).is_default;
}

/// A flag that is not looked at would be a silent mistake: none of `flags` may be set.
void CheckUnset(const std::string& what, const std::vector<std::string>& flags) {
  for (const std::string& flag : flags) {
    if (IsSet(flag)) Fail("--", flag, " means nothing to ", what, ", see zhiyin --help");
  }
}

/// Flags that `command` looks at; no other may be set.
void CheckUses(const std::string& command, const std::set<std::string>& used) {
  std::vector<std::string> others = OwnFlags();
  std::erase_if(others, [&](const std::string& flag) { return used.contains(flag); });
  CheckUnset(command, others);
}

/// For a shell: as it is where it is harmless, otherwise in single quotes.
std::string Quoted(const std::string& text) {
  constexpr char kHarmless[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%^";
  if (!text.empty() && text.find_first_not_of(kHarmless) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// The command that runs a simulated job again, without what it leaves behind.
std::string ReplayLine(const std::string& command, const std::vector<std::string>& overrides,
                       const net::SimOptions& network) {
  std::string line = "zhiyin " + command;
  const auto add = [&](const char* flag, const std::string& value) {
    if (!value.empty()) line += std::string(" --") + flag + "=" + Quoted(value);
  };
  add("config", FLAGS_config);
  add("checkpoint", FLAGS_checkpoint);
  for (const std::string& text : overrides) line += " --set " + Quoted(text);
  add("simulate", FLAGS_simulate);
  add("seed", FLAGS_seed);
  if (IsSet("timeout_s"))
    add("timeout_s", gflags::GetCommandLineFlagInfoOrDie("timeout_s").current_value);
  add("network", network.ToText());
  return line;
}

int RunJob(rank::Command command, const std::string& name, std::vector<std::string> overrides) {
  switch (command) {
    case rank::Command::kTrain:
      CheckUses(name, {"config", "servers", "threads", "simulate", "network", "output", "overwrite",
                       "resume", "died_at", "seed", "timeout_s", "profile", "progress"});
      break;
    case rank::Command::kEvaluate:
      CheckUses(name, {"checkpoint", "servers", "threads", "simulate", "network", "output",
                       "overwrite", "timeout_s", "progress"});
      break;
    case rank::Command::kPredict:
      CheckUses(name, {"checkpoint", "servers", "threads", "simulate", "network", "output",
                       "overwrite", "timeout_s"});
      break;
  }
  if (FLAGS_simulate.empty()) {
    CheckUnset("a job without --simulate", {"network"});
  } else {
    CheckUnset("--simulate", {"servers"});
    if (FLAGS_profile)
      Fail("--profile: a simulated job's time is virtual, expected a job under mpirun");
  }
  if (command == rank::Command::kTrain && FLAGS_config.empty())
    Fail("train: --config is missing: expected a job's file");
  if (command == rank::Command::kEvaluate && FLAGS_checkpoint.empty())
    Fail("evaluate: --checkpoint is missing: expected a model's folder");
  if (command == rank::Command::kPredict && FLAGS_checkpoint.empty())
    Fail("predict: --checkpoint is missing: expected a model's folder");
  if (command == rank::Command::kPredict && FLAGS_output.empty())
    Fail("predict: --output is missing: expected the file to write");
  if (FLAGS_resume && FLAGS_output.empty())
    Fail("train: --resume needs --output, the folder with checkpoints");
  if (FLAGS_resume && FLAGS_overwrite)
    Fail("train: --resume and --overwrite: expected one of them");
  if (FLAGS_timeout_s <= 0) Fail("--timeout_s=", FLAGS_timeout_s, ": expected more than 0");
  if (FLAGS_threads < 1 || FLAGS_threads > 256)
    Fail("--threads=", FLAGS_threads, ": expected 1 to 256");
  const std::vector<std::string> own_overrides = overrides;
  if (!FLAGS_seed.empty()) overrides.push_back("train.seed=" + FLAGS_seed);
  rank::RankOptions options;
  options.command = command;
  options.config = FLAGS_config;
  options.checkpoint = FLAGS_checkpoint;
  options.overrides = std::move(overrides);
  options.n_servers = FLAGS_servers;
  options.n_threads = FLAGS_threads;
  options.output = FLAGS_output;
  options.overwrite = FLAGS_overwrite;
  options.resume = FLAGS_resume;
  options.died_at = FLAGS_died_at;
  options.timeout_s = FLAGS_timeout_s;
  options.print = Print;
  options.print_error = PrintError;
  options.profile = FLAGS_profile;
  options.progress = StyleFor(FLAGS_progress, FLAGS_simulate.empty());
  if (FLAGS_simulate.empty()) {
    options.network = "mpi";
    return rank::RunOverMpi(std::move(options));
  }
  const auto [n_servers, n_workers] = ParseSimulate(FLAGS_simulate);
  CheckStartedAlone("--simulate");
  options.network = "simulated";
  net::SimOptions network = net::ParseSimOptions(FLAGS_network, n_servers + n_workers);
  // A seed that is no number is refused with the config, which has it too.
  if (!FLAGS_seed.empty()) network.seed = std::strtoull(FLAGS_seed.c_str(), nullptr, 10);
  const std::string replay_line =
      ReplayLine(name, own_overrides, network) +
      (command == rank::Command::kPredict ? " --output=" + Quoted(FLAGS_output) : "");
  return rank::RunSimulated(n_servers, n_workers, network, replay_line, std::move(options));
}

int RunGenerate(const std::string& world, const std::vector<std::string>& overrides) {
  CheckStartedAlone("generate");
  if (!world.empty()) {
    CheckUses("generate " + world, {"output", "overwrite", "seed"});
    if (FLAGS_output.empty())
      Fail("generate: --output is missing: expected the folder to write to");
    std::vector<std::string> settings = overrides;
    if (!FLAGS_seed.empty()) settings.push_back("seed=" + FLAGS_seed);
    GenerateWorld({world, settings, FLAGS_output, FLAGS_overwrite, Print});
    return 0;
  }
  CheckUses("generate", {"config", "output", "overwrite"});
  if (FLAGS_config.empty()) Fail("generate: --config is missing: expected a job's file");
  if (FLAGS_output.empty()) Fail("generate: --output is missing: expected the file to write");
  const Job job = job::LoadJob(FLAGS_config, overrides);
  if (worker::data::GeneratedName(job.data()).empty())
    Fail(FLAGS_config, ": data: nothing to generate: expected one of the generated sources");
  rank::CheckOutputFile(FLAGS_output, FLAGS_overwrite);
  const std::string unfinished = FLAGS_output + ".unfinished";
  std::ofstream file(unfinished);
  worker::data::WriteGenerated(job.data(), file);
  file.close();
  if (!file || std::rename(unfinished.c_str(), FLAGS_output.c_str()) != 0)
    Fail("--output=", FLAGS_output, ": cannot write: ", std::strerror(errno));
  return 0;
}

std::vector<std::string> SplitAtCommas(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

int RunCompare(const std::vector<std::string>& overrides) {
  CheckStartedAlone("compare");
  CheckUses("compare",
            {"config", "seeds", "simulate", "markdown", "output", "overwrite", "timeout_s"});
  CompareOptions options;
  options.configs = SplitAtCommas(FLAGS_config);
  if (options.configs.empty())
    Fail("compare: --config is missing: expected jobs' files, separated by commas");
  options.seeds = SplitAtCommas(FLAGS_seeds);
  std::set<std::string> seeds;
  for (const std::string& seed : options.seeds) {
    if (seed.empty() || seed.size() > 18 ||
        seed.find_first_not_of("0123456789") != std::string::npos)
      Fail("--seeds=", FLAGS_seeds, ": \"", seed,
           "\" is no seed, expected numbers separated by commas");
    if (!seeds.insert(seed).second) Fail("--seeds=", FLAGS_seeds, ": ", seed, " is there twice");
  }
  if (options.seeds.empty()) Fail("--seeds: is empty, expected numbers separated by commas");
  options.overrides = overrides;
  if (!FLAGS_simulate.empty())
    std::tie(options.n_servers, options.n_workers) = ParseSimulate(FLAGS_simulate);
  options.timeout_s = FLAGS_timeout_s;
  if (FLAGS_timeout_s <= 0) Fail("--timeout_s=", FLAGS_timeout_s, ": expected more than 0");
  options.markdown = FLAGS_markdown;
  options.output = FLAGS_output;
  options.print = Print;
  options.print_error = PrintError;
  std::unique_ptr<rank::OutputLock> lock;
  if (!FLAGS_output.empty())
    lock = rank::PrepareOutputFolder(
        FLAGS_output, FLAGS_overwrite ? rank::EarlierRun::kReplaced : rank::EarlierRun::kRefused);
  return Compare(options);
}

int Examine(const std::vector<std::string>& overrides) {
  CheckUses("doctor", {"config", "servers", "output", "timeout_s", "ranks", "hostfile"});
  if (FLAGS_timeout_s <= 0) Fail("--timeout_s=", FLAGS_timeout_s, ": expected more than 0");
  if (FLAGS_ranks < 0) Fail("--ranks=", FLAGS_ranks, ": expected at least 1");
  if (FLAGS_config.empty() && !overrides.empty())
    Fail("--set ", overrides[0], ": means nothing to doctor without --config");
  DoctorOptions options;
  options.config = FLAGS_config;
  options.overrides = overrides;
  options.n_servers = FLAGS_servers;
  options.n_servers_given = IsSet("servers");
  options.output = FLAGS_output;
  options.hostfile = FLAGS_hostfile;
  options.n_wanted = FLAGS_ranks;
  if (IsSet("timeout_s")) options.limit_s = FLAGS_timeout_s;
  options.under_mpirun = rank::StartedByLauncher();
  options.print = Print;
  options.print_error = PrintError;
  return RunDoctor(std::move(options));
}

void CheckListFlags() {
  if (FLAGS_k < 1) Fail("--k=", FLAGS_k, ": expected at least 1");
  if (FLAGS_candidates < 1) Fail("--candidates=", FLAGS_candidates, ": expected at least 1");
  if (FLAGS_index != "scan" && FLAGS_index != "hnsw")
    Fail("--index=", FLAGS_index, ": expected scan or hnsw");
  if (FLAGS_index == "scan") CheckUnset("--index=scan", {"search_width"});
  if (FLAGS_search_width < 1) Fail("--search_width=", FLAGS_search_width, ": expected at least 1");
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
  options.diversity_lambda = FLAGS_relevance;
  return options;
}

int Recommend(const std::vector<std::string>& overrides) {
  CheckStartedAlone("recommend");
  CheckUses("recommend",
            {"checkpoint", "ranker", "users", "items", "k", "candidates", "index", "search_width",
             "formula", "format", "relevance", "seen", "measure", "output", "overwrite"});
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
  command.overrides = overrides;
  command.users = FLAGS_users;
  command.items = FLAGS_items;
  command.format = FLAGS_format;
  command.output = FLAGS_output;
  command.overwrite = FLAGS_overwrite;
  command.measure = FLAGS_measure;
  command.options = ListOptions();
  command.print = Print;
  RunRecommend(command);
  return 0;
}

int RunServe(const std::vector<std::string>& overrides) {
  CheckStartedAlone("serve");
  CheckUses("serve", {"checkpoint", "ranker", "listen", "token_file", "reload_s", "k", "candidates",
                      "index", "search_width", "formula", "relevance", "seen"});
  if (FLAGS_checkpoint.empty())
    Fail("serve: --checkpoint is missing: expected a model's folder, or an output folder");
  if (!overrides.empty())
    Fail("--set ", overrides[0], ": means nothing to serve: it takes the model as it was trained");
  CheckListFlags();
  if (!(FLAGS_reload_s >= 0)) Fail("--reload_s=", FLAGS_reload_s, ": expected 0 or more");
  return Serve({FLAGS_checkpoint, FLAGS_ranker, FLAGS_listen, FLAGS_token_file, FLAGS_reload_s,
                ListOptions(), Print, PrintError});
}

int Export(const std::vector<std::string>& overrides) {
  CheckStartedAlone("export");
  CheckUses("export", {"checkpoint", "output", "overwrite", "format", "onnx", "since"});
  if (FLAGS_checkpoint.empty()) Fail("export: --checkpoint is missing: expected a model's folder");
  if (FLAGS_output.empty()) Fail("export: --output is missing: expected the folder to write to");
  const std::string format = IsSet("format") ? FLAGS_format : "npz";
  if (format != "npz" && format != "tsv") Fail("--format=", format, ": expected npz or tsv");
  RunExport({FLAGS_checkpoint, overrides, FLAGS_output, FLAGS_overwrite, format, FLAGS_onnx,
             FLAGS_since, Print});
  return 0;
}

int Report(const std::vector<std::string>& overrides) {
  CheckStartedAlone("report");
  CheckUses("report", {"checkpoint", "output", "overwrite", "slices", "importance", "k"});
  if (FLAGS_checkpoint.empty()) Fail("report: --checkpoint is missing: expected a model's folder");
  if (FLAGS_output.empty()) Fail("report: --output is missing: expected the file to write");
  if (FLAGS_k < 1) Fail("--k=", FLAGS_k, ": expected at least 1");
  RunReport({FLAGS_checkpoint, overrides, FLAGS_output, FLAGS_overwrite,
             SplitAtCommas(FLAGS_slices), FLAGS_importance, FLAGS_k, Print});
  return 0;
}

int RunInspect(const std::vector<std::string>& overrides) {
  CheckStartedAlone("inspect");
  CheckUses("inspect", {"checkpoint", "row", "against"});
  if (FLAGS_checkpoint.empty())
    Fail("inspect: --checkpoint is missing: expected the folder of a model, or an output folder");
  if (!overrides.empty()) Fail("--set ", overrides[0], ": means nothing to inspect");
  return Inspect({FLAGS_checkpoint, FLAGS_row, FLAGS_against, Print});
}

int RunSupervise(const CommandLine& line) {
  CheckStartedAlone("supervise");
  CheckUses("supervise", {"restarts", "backoff_s", "grace_s"});
  if (!line.overrides.empty())
    Fail("--set ", line.overrides[0],
         ": means nothing to supervise: expected it behind the command");
  if (FLAGS_restarts < 0) Fail("--restarts=", FLAGS_restarts, ": expected 0 or more");
  if (!(FLAGS_backoff_s >= 0)) Fail("--backoff_s=", FLAGS_backoff_s, ": expected 0 or more");
  if (!(FLAGS_grace_s > 0)) Fail("--grace_s=", FLAGS_grace_s, ": expected more than 0");
  SuperviseOptions options;
  options.command = line.rest;
  options.max_restarts = FLAGS_restarts;
  options.backoff_s = FLAGS_backoff_s;
  options.grace_s = FLAGS_grace_s;
  options.print_error = PrintError;
  return Supervise(options);
}

int Main(int argc, char** argv) {
  // Large messages come and go at every step: keep their memory instead of giving it back to the
  // system each time.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);

  const CommandLine line = ParseCommandLine({argv + 1, argv + argc}, OwnFlags());
  if (line.help) {
    Print(kUsage);
    return 0;
  }
  const std::string& command = line.command;
  if (!line.operand.empty() && command != "generate")
    Fail(line.operand, ": expected one command and flags, see zhiyin --help");
  if (command == "supervise") return RunSupervise(line);
  if (!line.rest.empty()) Fail("-- ", line.rest[0], ": only supervise takes a command behind --");
  if (command == "train") return RunJob(rank::Command::kTrain, command, line.overrides);
  if (command == "evaluate") return RunJob(rank::Command::kEvaluate, command, line.overrides);
  if (command == "predict") return RunJob(rank::Command::kPredict, command, line.overrides);
  if (command == "doctor") return Examine(line.overrides);
  if (command == "generate") return RunGenerate(line.operand, line.overrides);
  if (command == "compare") return RunCompare(line.overrides);
  if (command == "inspect") return RunInspect(line.overrides);
  if (command == "recommend") return Recommend(line.overrides);
  if (command == "export") return Export(line.overrides);
  if (command == "report") return Report(line.overrides);
  if (command == "serve") return RunServe(line.overrides);
  Fail(command.empty() ? "no command" : command + ": no such command",
       ": expected train, evaluate, predict, doctor, generate, compare, supervise, inspect, "
       "recommend, report, serve or export, see zhiyin --help");
}

}  // namespace
}  // namespace zhiyin::launch::apps

int main(int argc, char** argv) {
  try {
    return zhiyin::launch::apps::Main(argc, argv);
  } catch (const std::exception& e) {
    // Under mpirun every rank finds the same mistake in the command line. One says so and ends;
    // mpirun then ends the others, which must not be first, as mpirun would end that one before it
    // has spoken.
    if (zhiyin::launch::rank::LaunchedRank() == 0) {
      zhiyin::launch::apps::PrintError(e.what());
    } else {
      std::this_thread::sleep_for(std::chrono::seconds(3));
    }
    return 1;
  }
}
