// zhiyin recommend: makes lists of items for users with a saved model, in one process.
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
  std::string users = "all";  // or a file (asked_lists.h)
  std::string items = "all";  // or a file of items for lists of only these, written as TsvCell does
  std::string format = "tsv";  // or jsonl, or text
  std::string output;          // a file; "": print
  bool overwrite = false;
  bool measure = false;  // measure lists on held-out events instead, beside the baselines
  worker::recommend::RecommendOptions options;
  std::function<void(const std::string&)> print;
  std::function<void(const std::string&)> note;  // takes lines about what is left out
};

/// Writes the lists, or prints the measurements. The output does not depend on the number of
/// processors. Throws Error when the model cannot recommend, or the output cannot be written.
void RunRecommend(const RecommendCommand& command);

}  // namespace zhiyin::launch::apps
