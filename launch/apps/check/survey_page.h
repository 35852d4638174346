// The results of zhiyin check as a page with histograms.
#pragma once

#include <string>

#include "launch/apps/check/survey_results.h"

namespace zhiyin::launch::apps {

/// The whole HTML file.
std::string SurveyPage(const SurveyResults& results);

}  // namespace zhiyin::launch::apps
