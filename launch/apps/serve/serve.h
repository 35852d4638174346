// zhiyin serve: serves a saved model over HTTP, and newer ones when they appear.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "launch/apps/serve/http_service.h"
#include "launch/apps/serve/served_inputs.h"
#include "worker/recommend/recommender.h"

namespace zhiyin::launch::apps {

struct ServeCommand {
  std::string checkpoint;   // a model's folder, or an output folder (see FindNewest)
  std::string ranker;       // a model's folder, or an output folder; "": none
  std::string listen;       // HOST:PORT
  std::string token_file;   // a file with the token that clients must send; "": none
  double reload_s = 1;      // interval of checks for a newer model; 0: never
  int n_connections = 512;  // see HttpLimits
  double request_s = 10;    // for a request to arrive whole, and for its answer to be taken
  worker::recommend::RecommendOptions options;
  std::function<void(const std::string&)> print;
  std::function<void(const std::string&)> print_error;
};

/// A model to serve. Plain data.
struct NewestModel {
  std::string folder;   // "": none
  int64_t step = -1;    // of its training
  uint64_t digest = 0;  // of its manifest
};
/// Returns the model at `path`: a model's folder, or an output folder, of which it is the model or
/// the newest checkpoint, whichever has more steps. Throws Error when there is none or its manifest
/// cannot be read.
NewestModel FindNewest(const std::string& path);

/// Loads a model. `ranker` may be nullptr, see Recommender. *inputs are those of the model that was
/// served so far, or nullptr; they are read anew where the model's job has others or their files
/// have changed. Throws Error, and leaves *inputs, when the model cannot be loaded.
HttpService::Served LoadServed(const NewestModel& newest,
                               std::shared_ptr<const worker::saved::FrozenModel> ranker,
                               const worker::recommend::RecommendOptions& options,
                               std::shared_ptr<const ServedInputs>* inputs);

/// Serves until SIGTERM or SIGINT, then returns 0. Throws Error when the first model cannot be
/// loaded, or the address cannot be used.
int Serve(const ServeCommand& command);

}  // namespace zhiyin::launch::apps
