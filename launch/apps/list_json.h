// Lists of recommended items as JSON, for commands that print or serve them.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "worker/data/behaviour.h"
#include "worker/recommend/recommender.h"

namespace zhiyin::launch::apps {

/// {"user": ..., "items": [{"item": ..., "score": ..., "because": [...]}, ...]}
nlohmann::ordered_json ListJson(const worker::data::Behaviour& behaviour, int user,
                                const std::vector<worker::recommend::Recommended>& list);

}  // namespace zhiyin::launch::apps
