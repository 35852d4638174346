#include "launch/apps/list_json.h"

namespace zhiyin::launch::apps {

nlohmann::ordered_json ListJson(const worker::data::Behaviour& behaviour, const std::string& user,
                                const std::vector<worker::recommend::Recommended>& list) {
  nlohmann::ordered_json line = {{"user", user}, {"items", nlohmann::ordered_json::array()}};
  for (const worker::recommend::Recommended& one : list) {
    nlohmann::ordered_json because = nlohmann::ordered_json::array();
    for (const int item : one.because) because.push_back(behaviour.item(item));
    line["items"].push_back(
        {{"item", behaviour.item(one.item)}, {"score", one.score}, {"because", because}});
  }
  return line;
}

}  // namespace zhiyin::launch::apps
