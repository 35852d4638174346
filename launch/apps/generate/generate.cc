#include "launch/apps/generate/generate.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "common/error.h"
#include "common/file.h"
#include "common/text.h"
#include "configs/world.pb.h"
#include "launch/apps/generate/search_world.h"
#include "launch/apps/generate/shop_world.h"
#include "launch/rank/output_folder.h"

namespace zhiyin::launch::apps {
namespace {

/// The configuration that the settings describe.
template <typename World>
World Configured(const std::vector<std::string>& settings) {
  /// Errors are said by the caller.
  class Silence : public google::protobuf::io::ErrorCollector {
    void AddError(int, int, const std::string&) override {}
  } silence;
  World world;
  std::vector<std::string> names;
  for (int i = 0; i < World::descriptor()->field_count(); ++i)
    names.push_back(World::descriptor()->field(i)->name());
  for (const std::string& setting : settings) {
    const size_t equals = setting.find('=');
    const std::string name = setting.substr(0, equals);
    const auto* field = World::descriptor()->FindFieldByName(name);
    if (field == nullptr)
      Fail("--set ", OneLine(Shortened(setting, 200)), ": no such setting",
           Suggestion(name, names));
    google::protobuf::TextFormat::Parser parser;
    parser.RecordErrorsTo(&silence);
    const std::string value = equals == std::string::npos ? "" : setting.substr(equals + 1);
    const bool is_plain = value.find_first_not_of("0123456789.eE+-") == std::string::npos;
    if (!is_plain || !parser.ParseFieldValueFromString(value, field, &world))
      Fail("--set ", OneLine(Shortened(setting, 200)), ": expected a ",
           field->cpp_type_name() == std::string("double") ? "number" : "whole number",
           " of 0 or more");
  }
  return world;
}

void WriteAll(const std::vector<WorldFile>& files, const GenerateCommand& command) {
  rank::MakeOutputFolder(command.output);
  for (const WorldFile& file : files)
    rank::CheckOutputFile(command.output + "/" + file.name, command.overwrite);
  for (const WorldFile& file : files) {
    ReplaceFile(command.output + "/" + file.name, file.write);
  }
}

}  // namespace

void GenerateWorld(const GenerateCommand& command) {
  if (command.world != "shop" && command.world != "search")
    Fail("generate ", command.world, ": expected shop or search");
  std::ostringstream said;
  double test_time = 0;
  if (command.world == "shop") {
    const Shop config = ShopWorld::WithDefaults(Configured<Shop>(command.settings));
    const ShopWorld world(config);
    WriteAll(world.files(), command);
    test_time = world.test_time();
    said << config.n_users() << " users, " << config.n_items() << " items and "
         << config.n_new_items() << " new ones, " << config.n_events();
  } else {
    const Search config = SearchWorld::WithDefaults(Configured<Search>(command.settings));
    const SearchWorld world(config);
    WriteAll(world.files(), command);
    test_time = world.test_time();
    said << config.n_users() << " users, " << config.n_queries() << " queries, "
         << config.n_documents() << " documents and " << config.n_new_documents() << " new ones, "
         << config.n_pages() * SearchWorld::kPageLength;
  }
  said << " events in " << command.output << "; those from day " << test_time
       << " on are for testing\n";
  command.print(said.str());
}

}  // namespace zhiyin::launch::apps
