import{q as e}from"./index-C3kxeMIP.js";const n=e(Date.now());setInterval(()=>{document.hidden||(n.value=Date.now())},1e3);export{n};
