// `zhiyin generate shop` and `zhiyin generate search`: worlds to try recommending in.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace zhiyin::launch::apps {

struct GenerateCommand {
  std::string world;  // shop or search
  /// FIELD=VALUE of world.proto.
  std::vector<std::string> settings;
  std::string output;  // a folder, made where it is not there
  bool overwrite = false;
  std::function<void(const std::string&)> print;
};

/// Writes the world's files, each whole or not at all, and prints what they hold. Throws Error.
void GenerateWorld(const GenerateCommand& command);

}  // namespace zhiyin::launch::apps
