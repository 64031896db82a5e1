# cmake -DSOURCE=viz/web -DOUT=DIR -DMODE=ON|AUTO|OFF -DNODE= -DNPM= -DGZIP=
#     -P bundle.cmake
#
# Makes OUT/dashboard_files.c, the table behind dashboard.h: builds the page with
# Vite and packs each of its files, which the assembler takes in as they are.
# Where that can't be done it is an error with ON, and else a page that says what
# is missing. It is tried again at each build until it succeeds.
cmake_minimum_required(VERSION 3.22)
set(dist ${OUT}/dist)
set(NODE_LEAST 18)

# Says in why what is in the way of building; empty: nothing.
function(find_tools why)
    set(${why} "" PARENT_SCOPE)
    if(MODE STREQUAL "OFF")
        set(${why} "it was built with LP_WEB=OFF" PARENT_SCOPE)
    elseif(NOT NODE OR NOT NPM)
        set(${why} "there was no Node.js, or no npm, when it was built"
            PARENT_SCOPE)
    else()
        execute_process(COMMAND ${NODE} --version OUTPUT_VARIABLE version
            OUTPUT_STRIP_TRAILING_WHITESPACE)
        string(REGEX REPLACE "^v" "" version "${version}")
        if(version VERSION_LESS NODE_LEAST)
            set(${why} "Node.js was ${version} when it was built, and has to be ${NODE_LEAST} at least"
                PARENT_SCOPE)
        endif()
    endif()
endfunction()

# What the lock file names, next to the sources, where editors look for it as
# well. The copy of the lock says for which one it was done.
function(install_packages why)
    set(done ${SOURCE}/node_modules/.lock)
    file(SHA256 ${SOURCE}/package-lock.json wanted)
    if(EXISTS ${done})
        file(READ ${done} there)
        if(there STREQUAL wanted)
            return()
        endif()
    endif()
    execute_process(
        COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund
            --loglevel=error --fetch-retries=2
            --fetch-retry-mintimeout=2000 --fetch-retry-maxtimeout=10000
        WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE failed
        OUTPUT_VARIABLE said ERROR_VARIABLE said)
    if(failed)
        message(STATUS "npm ci: ${said}")
        set(${why} "npm could not get its packages when it was built"
            PARENT_SCOPE)
        return()
    endif()
    file(WRITE ${done} ${wanted})
endfunction()

function(build_page why)
    execute_process(
        COMMAND ${NODE} node_modules/vite/bin/vite.js build --emptyOutDir
            --logLevel warn --outDir ${dist}
        WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE failed)
    if(failed)
        set(${why} "Vite failed when it was built" PARENT_SCOPE)
    endif()
endfunction()

# The policy allows no style within a page, so it has a file of its own here too.
function(make_substitute why)
    file(REMOVE_RECURSE ${dist})
    file(SHA256 ${SOURCE}/bundle/missing.css hash)
    string(SUBSTRING ${hash} 0 8 hash)
    set(STYLE assets/missing-${hash}.css)
    set(WHY ${why})
    configure_file(${SOURCE}/bundle/missing.css ${dist}/${STYLE} COPYONLY)
    configure_file(${SOURCE}/bundle/missing.html ${dist}/index.html @ONLY)
endfunction()

function(type_of path type)
    set(types
        .css "text/css\; charset=utf-8" .html "text/html\; charset=utf-8"
        .js "text/javascript\; charset=utf-8" .svg image/svg+xml)
    get_filename_component(extension ${path} LAST_EXT)
    list(FIND types ${extension} at)
    if(at EQUAL -1)
        message(FATAL_ERROR "${path}: what Content-Type is that?")
    endif()
    math(EXPR at "${at} + 1")
    list(GET types ${at} found)
    set(${type} "${found}" PARENT_SCOPE)
endfunction()

function(write_table)
    file(GLOB_RECURSE files RELATIVE ${dist} ${dist}/*)
    list(SORT files)
    file(REMOVE_RECURSE ${OUT}/packed)
    file(MAKE_DIRECTORY ${OUT}/packed)
    set(bytes "")
    set(rows "")
    set(n 0)
    foreach(path ${files})
        set(packed ${OUT}/packed/${n}.gz)
        execute_process(COMMAND ${GZIP} -9nc ${dist}/${path}
            OUTPUT_FILE ${packed} COMMAND_ERROR_IS_FATAL ANY)
        type_of(${path} type)
        file(SHA256 ${dist}/${path} tag)
        string(SUBSTRING ${tag} 0 16 tag)
        file(SIZE ${dist}/${path} plain)
        # .incbin, as an array of C would be many times its size to read
        string(APPEND bytes
            "__asm__(\".pushsection .rodata\\n\"\n"
            "        \".hidden lp_dashboard_${n}, lp_dashboard_${n}_end\\n\"\n"
            "        \".globl lp_dashboard_${n}, lp_dashboard_${n}_end\\n\"\n"
            "        \"lp_dashboard_${n}:\\n\"\n"
            "        \".incbin \\\"${packed}\\\"\\n\"\n"
            "        \"lp_dashboard_${n}_end:\\n\"\n"
            "        \".popsection\\n\");\n"
            "extern const char lp_dashboard_${n}[], lp_dashboard_${n}_end[];\n")
        string(APPEND rows
            "    {\"${path}\", \"${type}\", \"${tag}\", lp_dashboard_${n}, lp_dashboard_${n}_end, ${plain}},\n")
        math(EXPR n "${n} + 1")
    endforeach()
    file(CONFIGURE OUTPUT ${OUT}/dashboard_files.c @ONLY CONTENT
"/* Made by bundle.cmake. */
#include \"logplex/dashboard.h\"

@bytes@
extern const lp_dashboard_file lp_dashboard_files[];
const lp_dashboard_file lp_dashboard_files[] = {
@rows@    {NULL, NULL, NULL, NULL, NULL, 0},
};
")
    file(TOUCH ${OUT}/dashboard_files.c)
endfunction()

find_tools(why)
if(NOT why)
    install_packages(why)
endif()
if(NOT why)
    build_page(why)
endif()
if(why)
    if(MODE STREQUAL "ON")
        message(FATAL_ERROR "no dashboard: ${why}")
    endif()
    message(STATUS "no dashboard: ${why}")
    make_substitute("${why}")
endif()
write_table()
if(why AND NOT MODE STREQUAL "OFF" AND NODE AND NPM)
    # older than what it is made of, so that the next build tries again
    execute_process(COMMAND touch -d @0 ${OUT}/dashboard_files.c)
endif()
