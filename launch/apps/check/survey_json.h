// The results of zhiyin check for programs.
#pragma once

#include <nlohmann/json.hpp>

#include "launch/apps/check/survey_results.h"

namespace zhiyin::launch::apps {

/// The object that docs/checking.md describes.
nlohmann::ordered_json SurveyJson(const SurveyResults& results);

}  // namespace zhiyin::launch::apps
