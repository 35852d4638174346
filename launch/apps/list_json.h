// Lists of recommended items as JSON, for commands that print or serve them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "worker/data/behaviour.h"
#include "worker/recommend/recommender.h"

namespace zhiyin::launch::apps {

/// For the user of this name: {"user": ..., "items": [{"item": ..., "score": ..., "because":
/// [...]}, ...]}
nlohmann::ordered_json ListJson(const worker::data::Behaviour& behaviour, const std::string& user,
                                const std::vector<worker::recommend::Recommended>& list);

}  // namespace zhiyin::launch::apps
