# Builds web/'s script, style and chart library into apps/report. The library comes with `npm ci` in
# web/; without it everything builds, and reports have tables where they would have charts.
enable_language(ASM)
file(GLOB EKYA_CHART_LIBRARY CONFIGURE_DEPENDS
     ${CMAKE_SOURCE_DIR}/web/node_modules/echarts/dist/echarts.min.js)
set(ekya_web_files ${CMAKE_SOURCE_DIR}/web/report.js ${CMAKE_SOURCE_DIR}/web/report.css
                   ${EKYA_CHART_LIBRARY})
set(ekya_web_definitions
    "EKYA_REPORT_SCRIPT=\"${CMAKE_SOURCE_DIR}/web/report.js\""
    "EKYA_REPORT_STYLE=\"${CMAKE_SOURCE_DIR}/web/report.css\"")
if(EKYA_CHART_LIBRARY)
  list(APPEND ekya_web_definitions "EKYA_CHART_LIBRARY=\"${EKYA_CHART_LIBRARY}\"")
else()
  message(STATUS "No chart library (npm ci in web/ brings it): reports will have tables for charts")
endif()

# Tied to the object rather than to the sources: the assembler does not report what it embeds.
set(ekya_web_source ${CMAKE_SOURCE_DIR}/src/apps/report/web_assets.S)
set_source_files_properties(${ekya_web_source} PROPERTIES
  OBJECT_DEPENDS "${ekya_web_files}" COMPILE_DEFINITIONS "${ekya_web_definitions}")
target_sources(ekya_apps_report PRIVATE ${ekya_web_source})
