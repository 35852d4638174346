// zhiyin serve: a saved model behind HTTP, newer ones as they come.
#pragma once

#include <functional>
#include <string>

#include "launch/apps/serve/http_service.h"
#include "worker/recommend/recommender.h"

namespace zhiyin::launch::apps {

struct ServeCommand {
  std::string checkpoint;  // a model's folder, or an output folder: its model, or its newest
                           // checkpoint where that is further on
  std::string ranker;      // a model's folder, or an output folder: its model, or its newest
  std::string listen;      // HOST:PORT
  std::string token_file;  // "": everybody may ask
  double reload_s = 1;     // from one look for a newer model to the next; 0: never
  worker::recommend::RecommendOptions options;
  std::function<void(const std::string&)> print;
  std::function<void(const std::string&)> print_error;
};

/// What is served of a folder now: "" with a step of -1 where there is nothing. Throws Error where
/// it cannot be read.
struct NewestModel {
  std::string folder;
  int64_t step = -1;
  uint64_t digest = 0;  // of its manifest
};
NewestModel FindNewest(const std::string& path);

/// Loads it. `ranker` may be null, as for a Recommender. `before`: what has been served so far,
/// whose events are used again where the job's data are equal; may be null.
HttpService::Served LoadServed(const NewestModel& newest,
                               std::shared_ptr<const worker::saved::FrozenModel> ranker,
                               const ServedModel* before,
                               const worker::recommend::RecommendOptions& options);

/// Until SIGTERM or SIGINT, then 0. Throws Error.
int Serve(const ServeCommand& command);

}  // namespace zhiyin::launch::apps
