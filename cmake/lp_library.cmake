# lp_library(NAME ALIAS MAP SOURCES...): one library of ours, compiled once and
# linked twice: NAME (shared, with its symbol versions) and NAME_static. Inside
# the tree everything links the static one.
function(lp_library name alias map)
    add_library(${name}_objects OBJECT ${ARGN})
    set_target_properties(${name}_objects PROPERTIES
        POSITION_INDEPENDENT_CODE ON)
    target_include_directories(${name}_objects
        PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/include PRIVATE src)
    target_link_libraries(${name}_objects PRIVATE lp_flags)

    add_library(${name}_static STATIC $<TARGET_OBJECTS:${name}_objects>)
    add_library(${name} SHARED $<TARGET_OBJECTS:${name}_objects>)
    string(REPLACE "_" "-" output ${name})
    foreach(target ${name} ${name}_static)
        set_target_properties(${target} PROPERTIES
            OUTPUT_NAME ${output} LINKER_LANGUAGE C)
        target_include_directories(${target} PUBLIC
            $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
        target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:lp_flags>)
    endforeach()
    set_target_properties(${name} PROPERTIES
        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
        LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${map})
    target_link_options(${name} PRIVATE
        -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/${map}
        -Wl,--no-undefined)
    add_library(Logplex::${alias} ALIAS ${name})
    add_library(Logplex::${alias}_static ALIAS ${name}_static)
endfunction()
