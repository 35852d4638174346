// zhiyin recommend: lists for users from a saved model, in one process.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "worker/recommend/recommender.h"

namespace zhiyin::launch::apps {

struct RecommendCommand {
  std::string checkpoint;
  std::string ranker;  // "": the checkpoint itself
  std::vector<std::string> overrides;
  std::string users = "all";   // or a file with a user a line
  std::string items = "all";   // or a file with an item a line: only these
  std::string format = "tsv";  // or jsonl, or text
  std::string output;          // a file; "": print
  bool overwrite = false;
  bool measure = false;  // lists of held-out events instead, as a table beside the baselines
  worker::recommend::RecommendOptions options;
  std::function<void(const std::string&)> print;
};

/// Writes the lists. Throws Error. The output does not depend on the number of processors.
void RunRecommend(const RecommendCommand& command);

}  // namespace zhiyin::launch::apps
