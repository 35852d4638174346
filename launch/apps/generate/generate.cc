#include "launch/apps/generate/generate.h"

#include <sstream>

#include "common/config/override.h"
#include "common/error.h"
#include "common/file.h"
#include "configs/world.pb.h"
#include "launch/apps/generate/search_world.h"
#include "launch/apps/generate/shop_world.h"
#include "launch/rank/output_folder.h"

namespace zhiyin::launch::apps {
namespace {

/// The configuration that the settings describe. Throws Error for a setting that is none.
template <typename World>
World Configured(const std::vector<std::string>& settings) {
  World world;
  config::ConfigBlame blame("generate");
  for (const std::string& setting : settings) config::ApplyOverride(setting, &blame, &world);
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
