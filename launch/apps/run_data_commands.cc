// check, generate and compare, which look at data, make it, or train on it in this process.
#include <memory>
#include <set>
#include <tuple>

#include "common/error.h"
#include "launch/apps/check/check.h"
#include "launch/apps/compare/compare.h"
#include "launch/apps/console.h"
#include "launch/apps/flags.h"
#include "launch/apps/generate/generate.h"
#include "launch/apps/run_commands.h"
#include "launch/rank/output_folder.h"

namespace zhiyin::launch::apps {
namespace {

/// A shop or a search engine.
int GenerateFolder(const std::string& world, const std::vector<std::string>& overrides) {
  CheckUnset("generate " + world, {"config"});
  if (FLAGS_output.empty()) Fail("generate: --output is missing: expected the folder to write to");
  std::vector<std::string> settings = overrides;
  if (!FLAGS_seed.empty()) settings.push_back("seed=" + FLAGS_seed);
  GenerateWorld({world, settings, FLAGS_output, FLAGS_format, FLAGS_overwrite, Print});
  return 0;
}

/// The generated data of a job.
int GenerateFile(const std::vector<std::string>& overrides) {
  CheckUnset("generate", {"seed"});
  if (FLAGS_config.empty()) Fail("generate: --config is missing: expected a job's file");
  if (FLAGS_output.empty()) Fail("generate: --output is missing: expected the file to write");
  GenerateRows({FLAGS_config, overrides, FLAGS_output, FLAGS_format, FLAGS_overwrite});
  return 0;
}

}  // namespace

int RunCheck(const CommandLine& line) {
  CheckStartedAlone("check");
  if (FLAGS_config.empty()) Fail("check: --config is missing: expected a job's file");
  const std::string format = IsSet("format") ? FLAGS_format : "text";
  if (format != "text" && format != "json") Fail("--format=", format, ": expected text or json");
  return CheckJobData({FLAGS_config, line.overrides, format == "json", FLAGS_output,
                       FLAGS_overwrite, FLAGS_strict, Print});
}

int Generate(const CommandLine& line) {
  CheckStartedAlone("generate");
  return line.operand.empty() ? GenerateFile(line.overrides)
                              : GenerateFolder(line.operand, line.overrides);
}

int RunCompare(const CommandLine& line) {
  CheckStartedAlone("compare");
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
  options.overrides = line.overrides;
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

}  // namespace zhiyin::launch::apps
