#include "launch/apps/flags.h"

#include <glog/logging.h>

#include <algorithm>

#include "common/error.h"
#include "worker/data/writer/table_format.h"

namespace {

const std::string kFormatHelp =
    "F|recommend: tsv, jsonl or text (for a person); export: npz (its default) or tsv; check: text "
    "(its default) or json; generate: " +
    zhiyin::worker::data::TableFormatNames() + ", for shop and search also compressed, as csv.gz";

}  // namespace

// A description is PLACEHOLDER|help; the placeholder of a bool is empty.
DEFINE_string(
    config, "",
    "FILE|the job, as described in configs/job.proto; compare: several, separated by commas");
DEFINE_string(checkpoint, "", "DIR|a saved model: its folder, or the output folder that holds it");
DEFINE_int32(servers, 1, "N|ranks that hold tables; all others work");
DEFINE_int32(threads, 1,
             "N|threads of a worker for its matrix products; changes no bit of the result");
DEFINE_string(simulate, "", "SxW|S servers and W workers in this process, without MPI");
DEFINE_string(
    products, "auto",
    "LIBRARY|multiplies matrices: auto (oneDNN where there is one, and AVX-512), onednn or eigen; "
    "the last bits of a result depend on it");
DEFINE_string(
    network, "",
    "OPTIONS|what the simulated network does: delays, slow ranks, crashes (docs/simulation.md)");
DEFINE_string(output, "",
              "PATH|where results go: a folder, visible to all hosts; predict, check, generate, "
              "recommend, report: a file");
DEFINE_bool(resume, false,
            "|resume from the newest checkpoint in the output folder; without one the job begins");
DEFINE_double(died_at, 0,
              "S|when the run before this one died, in seconds since 1970; supervise sets it");
DEFINE_string(life_file, "",
              "FILE|where rank 0 shows about once a second that the job lives; supervise sets it");
DEFINE_bool(overwrite, false, "|the output folder may hold an earlier run; a file may exist");
DEFINE_string(seed, "",
              "N|short for --set train.seed=N; generate shop, search: the seed of the data");
DEFINE_double(timeout_s, 120,
              "S|longest silence that a waiting rank accepts; doctor: longest step (default 30)");
DEFINE_bool(profile, false, "|say at the end what workers and servers spent their time on");
DEFINE_string(progress, "auto", "HOW|auto, line (for a terminal), log (for a file) or none");
DEFINE_string(seeds, "1", "N,N|train with each of these seeds");
DEFINE_bool(markdown, false, "|print the table as Markdown");
DEFINE_string(row, "",
              "ROW|FIELD=VALUE, or TABLE:KEY with the key in hexadecimal: that embedding row");
DEFINE_string(against, "", "DIR|another model or checkpoint: what has changed there");
DEFINE_int32(restarts, 3, "N|restarts in a row without a new checkpoint");
DEFINE_double(backoff_s, 1, "S|wait before the first restart; twice as long before each other");
DEFINE_double(start_s, 60,
              "S|longest time from the start of the job to its first sign of life; twice as long "
              "after each restart without a new checkpoint, at most 16 times");
DEFINE_double(silence_s, 300,
              "S|longest time from one sign of life of the job to the next, more than its "
              "--timeout_s");
DEFINE_double(grace_s, 60,
              "S|time for the job to end with a checkpoint, at SIGTERM, SIGINT or SIGUSR1");
DEFINE_int32(ranks, 0, "N|ranks that the job is to have (default: as many as are here)");
DEFINE_string(hostfile, "", "FILE|the hosts, as for mpirun's --hostfile");
DEFINE_string(ranker, "", "DIR|another model, whose predictions the formula takes");
DEFINE_string(users, "all",
              "FILE|a user a line, or a table of what is known of users, with a header (all: "
              "everybody in the training files)");
DEFINE_string(items, "all", "FILE|an item a line: only these are recommended");
DEFINE_string(
    index, "scan",
    "HOW|scan: two towers look at every item; hnsw: at some, much sooner, and miss a few");
DEFINE_int32(search_width, 200, "N|with hnsw: items that are looked at for a list");
DEFINE_double(min_recall, 0.9,
              "R|with hnsw: all items are scanned where it finds less of the best for a sample of "
              "users (default 0.9)");
DEFINE_int32(k, 10, "K|items of a list; serve: of the longest list");
DEFINE_int32(candidates, 200, "N|items that two towers retrieve for the formula to rank");
DEFINE_string(formula, "", "TEXT|what items are ranked by, of the tasks' names: \"ctr * cvr^0.5\"");
DEFINE_string(format, "tsv", kFormatHelp.c_str());
DEFINE_double(relevance, 1, "W|weight of the score against likeness to items before it, 0 to 1");
DEFINE_bool(seen, false, "|items that the user has an event with may be in the list");
DEFINE_bool(measure, false,
            "|instead of lists their metrics on held-out events, and those of baselines");
DEFINE_string(
    slices, "",
    "FIELD,FIELD|examples by their values of these fields (default: fields with few values)");
DEFINE_bool(importance, true, "|what is lost when an input's values are exchanged among examples");
DEFINE_bool(onnx, true, "|model.onnx");
DEFINE_string(since, "",
              "DIR|an earlier export: vectors that changed since then, and ids that are gone");
DEFINE_bool(strict, false, "|exit code 1 if there are findings");
DEFINE_string(listen, "127.0.0.1:8080", "HOST:PORT|where it listens; port 0: any that is free");
DEFINE_string(token_file, "", "FILE|clients must send the word in it: Authorization: Bearer WORD");
DEFINE_double(reload_s, 1, "S|how often to look for a newer model or checkpoint; 0: never");
DEFINE_int32(connections, 512,
             "N|connections at a time; one more closes the one that is idle or slow for longest");
DEFINE_double(request_s, 10,
              "S|time for a request to arrive whole, and for its answer to be taken");

namespace zhiyin::launch::apps {
namespace {

constexpr const char* kNames[] = {
    "config",    "checkpoint",   "servers",    "threads",    "products",   "simulate",
    "network",   "output",       "resume",     "died_at",    "life_file",  "overwrite",
    "seed",      "timeout_s",    "profile",    "progress",   "seeds",      "markdown",
    "row",       "against",      "restarts",   "backoff_s",  "start_s",    "silence_s",
    "grace_s",   "ranks",        "hostfile",   "ranker",     "users",      "items",
    "index",     "search_width", "min_recall", "k",          "candidates", "formula",
    "format",    "relevance",    "seen",       "measure",    "slices",     "importance",
    "onnx",      "since",        "listen",     "token_file", "reload_s",   "connections",
    "request_s", "strict"};

}  // namespace

const std::vector<FlagHelp>& AllFlags() {
  static const std::vector<FlagHelp> all = [] {
    std::vector<FlagHelp> flags;
    for (const char* name : kNames) {
      const gflags::CommandLineFlagInfo info = gflags::GetCommandLineFlagInfoOrDie(name);
      const size_t bar = info.description.find('|');
      CHECK_NE(bar, std::string::npos) << name;
      flags.push_back({name, info.description.substr(0, bar), info.description.substr(bar + 1),
                       info.default_value, info.type == "bool"});
    }
    return flags;
  }();
  return all;
}

const FlagHelp& FlagNamed(const std::string& name) {
  for (const FlagHelp& flag : AllFlags()) {
    if (flag.name == name) return flag;
  }
  LOG(FATAL) << "no flag " << name;
}

bool IsSet(const std::string& flag) {
  return !gflags::GetCommandLineFlagInfoOrDie(flag.c_str()).is_default;
}

void CheckUnset(const std::string& what, const std::vector<std::string>& flags) {
  for (const std::string& flag : flags) {
    if (IsSet(flag)) Fail("--", flag, " means nothing to ", what, ", see zhiyin --help");
  }
}

void CheckUses(const std::string& command, const std::vector<std::string>& used) {
  for (const FlagHelp& flag : AllFlags()) {
    if (std::find(used.begin(), used.end(), flag.name) == used.end())
      CheckUnset(command, {flag.name});
  }
}

}  // namespace zhiyin::launch::apps
